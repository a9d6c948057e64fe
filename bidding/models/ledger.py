"""The log as it is stored, what it decided, and the signatures over it.

Written by the ledger alone, from the log in Redis. What goes the other way is in `auctions.outbox`.
"""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from auctions.models import Auction, LotRun, Registration
from auctions.models.fields import AmountField, amounts_in_range, one_of


class LedgerPosition(models.Model):
    """How far an auction's log is stored: the last (v, s), the chain's head, and the fence of its writer."""

    auction = models.OneToOneField(Auction, on_delete=models.PROTECT, primary_key=True, related_name="ledger")
    epoch = models.CharField(max_length=16)
    v = models.BigIntegerField(default=0)
    s = models.PositiveIntegerField(default=0)
    head = models.CharField(max_length=64, default="0" * 64, help_text=_("SHA-256 of the chain so far, hex."))
    fence = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.auction} stored to {self.v}.{self.s}"


class Event(models.Model):
    """One entry of an auction's log, as the engine wrote it, with its place in the chain.

    `s` is 0 for public events; private entries share the `v` of the public one before them. `public` and
    `private` are the exact texts that were hashed.
    """

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="events")
    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, null=True, blank=True, related_name="events")
    epoch = models.CharField(max_length=16)
    v = models.BigIntegerField()
    s = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=24)
    at_ms = models.BigIntegerField()
    public = models.TextField()
    private = models.TextField()
    salt = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    bid_id = models.CharField(max_length=64, blank=True, help_text=_("The client's id of the offer that it decided."))

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("auction", "v", "s")
        indexes = (models.Index(fields=("bid_id", "auction"), condition=~models.Q(bid_id=""), name="event_bid_id"),)
        constraints = (models.UniqueConstraint(fields=("auction", "v", "s"), name="event_version_once"),)

    def __str__(self) -> str:
        return f"{self.v} {self.kind}"


class DiscardedEntry(models.Model):
    """An entry of a log that Redis wrote after it had gone back to an older state, and that became no part of the log.

    Bidders were told of it, so it is kept as it was for staff to settle.
    """

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="discarded_entries")
    epoch = models.CharField(max_length=16)
    v = models.BigIntegerField()
    s = models.PositiveIntegerField(default=0)
    kind = models.CharField(max_length=24)
    at_ms = models.BigIntegerField()
    public = models.TextField()
    private = models.TextField()
    salt = models.CharField(max_length=64)
    discarded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("discarded entry")
        verbose_name_plural = _("discarded entries")
        ordering = ("auction", "v", "s", "pk")
        constraints = (models.UniqueConstraint(fields=("auction", "v", "s", "salt"), name="discardedentry_once"),)

    def __str__(self) -> str:
        return f"{self.v} {self.kind}"


class BidChannel(models.TextChoices):
    """How a bid came in."""

    WEB = "web", _("Web")
    API = "api", _("API")
    FLOOR = "floor", _("Floor")
    PHONE = "phone", _("Phone")
    ABSENTEE = "absentee", _("Absentee")


class Bid(models.Model):
    """A bid as the price's history shows it. A max bid that was answered by another appears as an automatic bid.

    `offer_v` and `offer_s` are the place in the log of the offer behind it, which is what staff may take back.
    """

    run = models.ForeignKey(LotRun, on_delete=models.PROTECT, related_name="bids")
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="bids")
    amount = AmountField()
    automatic = models.BooleanField(default=False)
    channel = models.CharField(max_length=8, choices=BidChannel, default=BidChannel.WEB)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    bid_id = models.CharField(max_length=64, blank=True, help_text=_("The client's id; empty on automatic bids."))
    v = models.BigIntegerField()
    offer_v = models.BigIntegerField()
    offer_s = models.PositiveIntegerField()
    at_ms = models.BigIntegerField()
    voided_at_v = models.BigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("bid")
        verbose_name_plural = _("bids")
        ordering = ("run", "v", "amount", "automatic")
        indexes = (models.Index(fields=("registration", "-v")),)
        constraints = (
            models.UniqueConstraint(fields=("run", "v", "registration", "amount"), name="bid_version_once"),
            models.UniqueConstraint(
                fields=("registration", "bid_id"), condition=~models.Q(bid_id=""), name="bid_id_once"
            ),
            one_of("bid", "channel", BidChannel),
            models.CheckConstraint(condition=models.Q(amount__gt=0), name="bid_above_zero"),
            amounts_in_range("bid", "amount"),
        )

    def __str__(self) -> str:
        return f"{self.registration}: {self.amount}"


class Refusal(models.Model):
    """A bid that was refused, kept outside the chain so that staff can settle a dispute."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="refusals")
    registration = models.ForeignKey(Registration, on_delete=models.PROTECT, related_name="refusals")
    entry = models.CharField(max_length=40, help_text=_("Its id in the stream of refusals."))
    bid_id = models.CharField(max_length=64, blank=True)
    fingerprint = models.CharField(max_length=60, help_text=_("What was asked: kind, amount, lot."))
    answer = models.TextField(help_text=_("The answer as the engine gave it, for a repeat of the same id."))
    code = models.CharField(max_length=24)
    amount = models.BigIntegerField(null=True, blank=True)
    v = models.BigIntegerField()
    at_ms = models.BigIntegerField()

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        indexes = (
            models.Index(fields=("bid_id", "registration"), condition=~models.Q(bid_id=""), name="refusal_bid_id"),
        )
        constraints = (models.UniqueConstraint(fields=("auction", "entry"), name="refusal_entry_once"),)

    def __str__(self) -> str:
        return f"{self.registration}: {self.code}"


class SigningKey(models.Model):
    """A public key that this site signs heads with, or did. The private key is never in the database."""

    key_id = models.CharField(max_length=16, primary_key=True)
    public_key = models.CharField(max_length=64, help_text=_("The 32 bytes of an Ed25519 public key, hex."))
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, help_text=_("When another key took over."))

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.key_id


class SignedHead(models.Model):
    """The chain's head at the closing of a lot or the end of a show, signed by the site as the ledger stored it."""

    auction = models.ForeignKey(Auction, on_delete=models.PROTECT, related_name="signed_heads")
    v = models.BigIntegerField()
    epoch = models.CharField(max_length=16)
    hash = models.CharField(max_length=64)
    key = models.ForeignKey(SigningKey, on_delete=models.PROTECT, related_name="+")
    signature = models.CharField(max_length=128, help_text=_("Ed25519, hex."))
    signed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("signed head")
        verbose_name_plural = _("signed heads")
        ordering = ("auction", "v")
        constraints = (models.UniqueConstraint(fields=("auction", "v"), name="signedhead_version_once"),)

    def __str__(self) -> str:
        return f"{self.auction} at {self.v}"
