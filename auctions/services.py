"""The catalogue's writes: organizers, terms, auctions, lots, pictures, invitations.

Every function checks who acts, refuses with `Refused` at the field that is wrong, and changes nothing then. What
happens once an auction is scheduled (going live, opening, closing) is not here but on the live floor.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import IO, Any, Final, TypedDict, Unpack

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.files.base import ContentFile
from django.core.validators import validate_email
from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.models import HostRequest, HostRequestStatus, Membership, Organizer, Role, User
from auctions import permissions, rules, streaming
from auctions.audit import audited
from auctions.errors import Refused
from auctions.media import Picture, clean_picture, make_sizes, size_names
from auctions.models import (
    LOST_PAUSE_S,
    Auction,
    AuctionModerator,
    AuctionStatus,
    Category,
    CommandKind,
    Consignor,
    EntryRequirement,
    Invitation,
    Lot,
    LotImage,
    LotStatus,
    ShippingProfile,
    StreamChannel,
    TaxRule,
    TermsVersion,
    Visibility,
    default_lost_pause_s,
)
from auctions.money import CURRENCIES, MAX_AMOUNT
from auctions.outbox import command_add
from auctions.streaming.base import Ingest
from auctions.work import work_later

MAX_LOTS: Final = 2_000
MAX_PICTURES: Final = 20
MAX_GAP_MS: Final = 3_600_000
_ALPHABET: Final = "23456789abcdefghjkmnpqrstuvwxyz"

STARTER_TERMS: Final = """\
1. A bid is binding until it is outbid. The highest accepted bid when the lot closes buys it.
2. The price is the hammer price, with the buyer's premium, tax and delivery that are shown before you bid.
3. The seller may withdraw a lot before it is sold, and may void a bid for a stated reason.
4. Where a reserve is set and not met, the lot is not sold.
5. The buyer pays within seven days of the invoice. Unpaid lots may be offered to the next bidder.
"""
"""What a new organizer begins with; the organizer replaces it by its own text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSpec:
    """What a host says of a lot. Amounts are minor units; increments None takes the auction house's ladder."""

    title: str
    opening_amount: int
    number: str = ""
    description: str = ""
    condition: str = ""
    category: Category | None = None
    consignor: Consignor | None = None
    quantity: int = 1
    estimate_low: int | None = None
    estimate_high: int | None = None
    tax_rule: TaxRule | None = None
    shipping: ShippingProfile | None = None
    reserve_amount: int | None = None
    buy_now_amount: int | None = None
    cap_amount: int | None = None
    increments: rules.Increments | None = None
    timing: rules.Timing = rules.PRESETS["classic"].timing


class AuctionChanges(TypedDict, total=False):
    """What may be changed of an auction; `FROZEN` and `OPEN_TO_THE_END` say until when."""

    title: str
    description: str
    visibility: str
    entry: str
    new_bidder_limit: int | None
    most_strikes: int | None
    time_zone: str
    starts_at: datetime | None
    auto_start: bool
    auto_advance: bool
    gap_ms: int
    lost_pause_s: int
    currency_code: str
    buyer_premium_bp: int
    terms: TermsVersion | None
    is_rehearsal: bool


class LotChanges(TypedDict, total=False):
    """What may be changed of a lot while it is pending."""

    title: str
    number: str
    position: int
    description: str
    condition: str
    category: Category | None
    consignor: Consignor | None
    quantity: int
    estimate_low: int | None
    estimate_high: int | None
    tax_rule: TaxRule | None
    shipping: ShippingProfile | None
    opening_amount: int
    reserve_amount: int | None
    buy_now_amount: int | None
    cap_amount: int | None
    increments: rules.Increments
    duration_ms: int
    window_ms: int
    extension_ms: int
    extension_mode: str
    extension_cap: int


# Bidders have relied on these since the auction was published: pre-bids count from then on.
_FROZEN: Final = frozenset(Auction.FROZEN_WHEN_SCHEDULED)
_OPEN_WHILE_LIVE: Final = frozenset(
    {
        "title",
        "description",
        "visibility",
        "entry",
        "new_bidder_limit",
        "most_strikes",
        "auto_advance",
        "gap_ms",
        "lost_pause_s",
    }
)


# --- Organizers and terms ----------------------------------------------------------------------------


def organizer_for(user: User) -> Organizer:
    """Return the organizer that this host works for, made with starter terms at first use."""
    if not permissions.can_host(user):
        raise Refused("forbidden", _("Your account may not host auctions. Ask the site's staff for it."))
    with transaction.atomic():
        # The user's row is the lock: a double click makes one organizer.
        User.objects.select_for_update().get(pk=user.pk)
        membership = (
            Membership.objects.filter(user=user, role__in=permissions.MANAGING, organizer__archived_at__isnull=True)
            .select_related("organizer")
            .order_by("pk")
            .first()
        )
        if membership is not None:
            return membership.organizer
        # Never the e-mail address: an organizer's name is public.
        granted = HostRequest.objects.filter(user=user, status=HostRequestStatus.GRANTED).first()
        name = granted.house if granted else user.display_name or "Auctions"
        organizer = Organizer.objects.create(name=name, slug=f"{slugify(name)[:40] or 'auctions'}-{_token(6)}")
        Membership.objects.create(organizer=organizer, user=user, role=Role.OWNER)
        terms_publish(organizer=organizer, text=STARTER_TERMS)
    return organizer


def terms_publish(*, organizer: Organizer, text: str, language: str = "en") -> TermsVersion:
    """Publish conditions of sale as the next version; the same text again is the version that stands."""
    text = text.replace("\r\n", "\n").strip()
    if not text:
        raise Refused("required", _("Write the conditions of sale."), field="text")
    digest = hashlib.sha256(text.encode()).hexdigest()
    with transaction.atomic():
        Organizer.objects.select_for_update().get(pk=organizer.pk)
        latest = terms_latest(organizer, language)
        if latest is not None and latest.sha256 == digest:
            return latest
        terms = TermsVersion(
            organizer=organizer,
            number=latest.number + 1 if latest else 1,
            language=language,
            text=text,
            sha256=digest,
        )
        _save(terms)
    return terms


def terms_latest(organizer: Organizer, language: str = "en") -> TermsVersion | None:
    """Return the terms in force for new auctions of this organizer, if there are any."""
    return TermsVersion.objects.filter(organizer=organizer, language=language).order_by("-number").first()


# --- Auctions ----------------------------------------------------------------------------------------


@audited
def auction_create(
    *,
    actor: User,
    organizer: Organizer,
    title: str,
    description: str = "",
    visibility: str = Visibility.PUBLIC,
    entry: str = EntryRequirement.NONE,
    new_bidder_limit: int | None = None,
    most_strikes: int | None = None,
    time_zone: str = "UTC",
    currency_code: str = "EUR",
    starts_at: datetime | None = None,
    auto_start: bool = False,
    auto_advance: bool = True,
    gap_ms: int = 8_000,
    lost_pause_s: int | None = None,
    buyer_premium_bp: int = 0,
    terms: TermsVersion | None = None,
    is_rehearsal: bool = False,
    cover: IO[bytes] | None = None,
    lots: Sequence[LotSpec] = (),
) -> Auction:
    """Create a draft with its lots and its stream channel.

    Without `terms` the organizer's latest are taken, without `lost_pause_s` the site's own rule. A refusal
    of the lot at index 2 names its field as `lots.2.title`.
    """
    if not permissions.can_manage_organizer(actor, organizer):
        raise Refused("forbidden", _("You may not create auctions for this organizer."))
    picture = clean_picture(cover, field="cover") if cover else None
    with transaction.atomic():
        auction = Auction(
            organizer=organizer,
            created_by=actor,
            title=title.strip(),
            description=description.strip(),
            visibility=visibility,
            entry=entry,
            new_bidder_limit=new_bidder_limit,
            most_strikes=most_strikes,
            time_zone=time_zone,
            currency_code=currency_code,
            starts_at=starts_at,
            auto_start=auto_start,
            auto_advance=auto_advance,
            gap_ms=gap_ms,
            lost_pause_s=default_lost_pause_s() if lost_pause_s is None else lost_pause_s,
            buyer_premium_bp=buyer_premium_bp,
            terms=terms or terms_latest(organizer),
            is_rehearsal=is_rehearsal,
        )
        _check_auction(auction)
        if picture is not None:
            auction.cover.save(f"{_token(16)}.{picture.extension}", ContentFile(picture.content), save=False)
        auction.stream_channel = _channel_for(auction)
        _save_with_slug(auction)
        for index, spec in enumerate(lots):
            try:
                _lot_add(auction, spec)
            except Refused as refused:
                raise Refused(refused.code, refused.message, field=f"lots.{index}.{refused.field or 'title'}") from None
    return auction


@audited
def auction_update(*, actor: User, auction: Auction, **changes: Unpack[AuctionChanges]) -> Auction:
    """Change an auction and return it as it is now.

    Currency, terms, premium and rehearsal are frozen once it is scheduled, start and time zone once it is
    live, and everything when it is over. Values that stay as they are do not count as a change.
    """
    with transaction.atomic():
        auction = _locked(auction, actor)
        changed = _changed(auction, changes)
        lacks_channel = auction.stream_channel is None and auction.status == AuctionStatus.DRAFT
        if not changed and not lacks_channel:
            return auction
        if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
            raise Refused("auction_over", _("The auction is over; what it was stays on record."), field=min(changed))
        if auction.status != AuctionStatus.DRAFT and (frozen := sorted(changed & _FROZEN)):
            raise Refused("frozen", _("This cannot change once the auction is scheduled."), field=frozen[0])
        if auction.status == AuctionStatus.LIVE and (late := sorted(changed - _OPEN_WHILE_LIVE)):
            raise Refused("frozen", _("This cannot change while the auction is live."), field=late[0])
        if "currency_code" in changed and auction.lots.exists():
            raise Refused(
                "has_lots", _("The lots have amounts in the old currency. Remove them first."), field="currency_code"
            )
        for name in changed:
            setattr(auction, name, changes[name])  # type: ignore[literal-required]
        _check_auction(auction)
        if "visibility" in changed and _is_guessable(auction):
            auction.slug = _secret_slug(auction)
            changed |= {"slug"}
        if "visibility" in changed or lacks_channel:
            channel = _channel_for(auction)
            if channel != auction.stream_channel and auction.status == AuctionStatus.LIVE:
                raise Refused(
                    "frozen", _("A live auction cannot change between invite-only and open."), field="visibility"
                )
            auction.stream_channel = channel
            changed |= {"stream_channel"}
        if "starts_at" in changed:
            # Whoever was reminded of the old time is reminded of the new one.
            auction.reminders.update(noted_at=None)
        _save(auction, changed)
    return auction


@audited
def auction_cover_set(*, actor: User, auction: Auction, upload: IO[bytes]) -> Auction:
    """Replace the cover by a re-encoded upload."""
    picture = clean_picture(upload, field="cover")
    with transaction.atomic():
        auction = _locked(auction, actor)
        auction.cover.save(f"{_token(16)}.{picture.extension}", ContentFile(picture.content), save=False)
        _save(auction, {"cover"})
    return auction


@audited
def invitation_add(*, actor: User, auction: Auction, email: str) -> Invitation:
    """Invite the person who owns this e-mail address; inviting again renews a revoked invitation."""
    email = _address(email)
    with transaction.atomic():
        auction = _locked(auction, actor)
        invitation, _created = Invitation.objects.update_or_create(
            auction=auction, email=email, defaults={"revoked_at": None}
        )
    return invitation


@audited
def invitation_revoke(*, actor: User, invitation: Invitation) -> None:
    """Take an invitation back; who already has a paddle keeps it."""
    with transaction.atomic():
        _locked(invitation.auction, actor)
        if invitation.revoked_at is None:
            invitation.revoked_at = timezone.now()
            invitation.save(update_fields=["revoked_at"])


@audited
def moderator_name(*, actor: User, auction: Auction, email: str) -> AuctionModerator:
    """Let the person who owns this e-mail address moderate this auction's room, and not bid in it.

    Naming somebody again renews what was taken back.
    """
    email = _address(email)
    with transaction.atomic():
        auction = _locked(auction, actor)
        if auction.registrations.filter(models.Q(user__email=email) | _verified(email)).exists():
            raise Refused("bids_here", _("They have a paddle in this auction, and cannot do both."), field="email")
        moderator, _created = AuctionModerator.objects.update_or_create(
            auction=auction, email=email, defaults={"revoked_at": None}, create_defaults={"created_by": actor}
        )
    return moderator


@audited
def moderator_revoke(*, actor: User, moderator: AuctionModerator) -> None:
    """Take back that somebody moderates; doing it twice is fine."""
    with transaction.atomic():
        _locked(moderator.auction, actor)
        if moderator.revoked_at is None:
            moderator.revoked_at = timezone.now()
            moderator.save(update_fields=["revoked_at"])


# --- Lots --------------------------------------------------------------------------------------------


@audited
def lot_create(*, actor: User, auction: Auction, spec: LotSpec) -> Lot:
    """Add a lot at the end of the run of show; possible until the auction is over."""
    with transaction.atomic():
        lot = _lot_add(_locked(auction, actor), spec)
        tell_floor(lot)
    return lot


@audited
def lot_update(*, actor: User, lot: Lot, **changes: Unpack[LotChanges]) -> Lot:
    """Change a pending lot and return it as it is now. Once it was opened its run holds frozen rules."""
    with transaction.atomic():
        lot = _locked_lot(lot, actor)
        changed = _changed(lot, changes)
        if not changed:
            return lot
        if lot.status != LotStatus.PENDING:
            raise Refused("lot_frozen", _("The lot was opened; its rules are frozen."), field=min(changed))
        for name in changed:
            setattr(lot, name, changes[name])  # type: ignore[literal-required]
        check_lot(lot)
        _check_number(lot)
        _save(lot, changed)
        tell_floor(lot)
    return lot


@audited
def lot_remove(*, actor: User, lot: Lot) -> None:
    """Take a lot out of a draft. Once the auction was published a lot is withdrawn instead."""
    with transaction.atomic():
        lot = _locked_lot(lot, actor)
        if lot.auction.status != AuctionStatus.DRAFT:
            raise Refused("auction_published", _("The auction is published: withdraw the lot instead."))
        for image in lot.images.all():
            _delete_after_commit(image)
        lot.delete()


@audited
def lot_image_add(*, actor: User, lot: Lot, upload: IO[bytes], alt: str = "") -> LotImage:
    """Add a picture to a lot, re-encoded and without metadata. Possible at any time until the lot is closed."""
    return lot_image_store(actor=actor, lot=lot, picture=clean_picture(upload), alt=alt)


@audited
def lot_image_store(*, actor: User, lot: Lot, picture: Picture, alt: str = "") -> LotImage:
    """Add a picture that was re-encoded; the sizes that pages load are made after the commit."""
    with transaction.atomic():
        lot = _locked_open_lot(lot, actor)
        if lot.images.count() >= MAX_PICTURES:
            text = _("A lot has at most %(most)s pictures.") % {"most": MAX_PICTURES}
            raise Refused("too_many_images", text, field="file")
        last = lot.images.aggregate(last=Max("position"))["last"]
        image = LotImage(lot=lot, alt=alt.strip(), position=0 if last is None else last + 1)
        _clean(image, exclude={"file"})
        # The name is ours: the host's file name may tell what it should not.
        image.file.save(f"{_token(16)}.{picture.extension}", ContentFile(picture.content), save=False)
        image.width, image.height = picture.width, picture.height
        image.save()
        work_later("sizes_make", image.pk)
    return image


def lot_image_sizes_make(*, image: LotImage) -> None:
    """Store the sizes that pages load; a picture whose file others share takes over what was made for them."""
    name = str(image.file.name)
    made = LotImage.objects.filter(file=name).exclude(blur="").first()
    if made is not None:
        widths, blur = made.widths, made.blur
    else:
        storage = image.file.storage
        with storage.open(name) as stored:
            sizes = make_sizes(stored.read())
        for width, extension, path in size_names(name, sizes.widths):
            storage.delete(path)  # of an attempt that was cut short
            storage.save(path, ContentFile(sizes.files[width, extension]))
        widths, blur = list(sizes.widths), sizes.blur
    if not LotImage.objects.filter(pk=image.pk).update(widths=widths, blur=blur):
        # It was taken away meanwhile.
        image.widths = widths
        _delete_after_commit(image)


@audited
def lot_image_update(*, actor: User, image: LotImage, alt: str, position: int) -> LotImage:
    """Describe a picture anew, or move it among the lot's pictures, until the lot is closed."""
    with transaction.atomic():
        _images_of_locked_lot(image, actor)
        image.alt, image.position = alt.strip(), position
        _clean(image, exclude={"file"})
        image.save(update_fields=["alt", "position"])
    return image


@audited
def lot_image_move(*, actor: User, image: LotImage, by: int) -> None:
    """Move a picture so many places later (or, below 0, earlier) among the lot's pictures, until the lot is closed."""
    with transaction.atomic():
        images = _images_of_locked_lot(image, actor)
        place = images.index(image)
        images.insert(max(0, place + by), images.pop(place))
        for position, moved in enumerate(images):
            moved.position = position
        LotImage.objects.bulk_update(images, ["position"])


@audited
def lot_image_remove(*, actor: User, image: LotImage) -> None:
    """Take a picture away until the lot is opened; its files go after the commit."""
    with transaction.atomic():
        lot = _locked_open_lot(image.lot, actor)
        if lot.status != LotStatus.PENDING:
            # It is on the stage, and people bid by it.
            raise Refused("lot_open", _("The lot is open: bidders have seen this picture, so it stays."), field="file")
        _delete_after_commit(image)
        image.delete()


def _images_of_locked_lot(image: LotImage, actor: User) -> list[LotImage]:
    """Lock a picture's lot and return its pictures; another page may have taken this one away."""
    images = list(_locked_open_lot(image.lot, actor).images.all())
    if image not in images:
        raise Refused("image_gone", _("The picture was taken away meanwhile."))
    return images


@audited
def stream_key_rotate(*, auction: Auction, actor: User) -> Ingest:
    """Replace the key of the auction's channel and return the new one. Raises Refused or StreamTrouble."""
    return streaming.provider().rotate_key(_channel_of(auction, actor))


@audited
def stream_cut_off(*, auction: Auction, actor: User) -> None:
    """End what is sent on the auction's channel, and its key. Raises Refused or StreamTrouble."""
    streaming.provider().cut_off(_channel_of(auction, actor))


def _delete_after_commit(image: LotImage) -> None:
    storage, name, widths = image.file.storage, str(image.file.name), image.widths

    def delete() -> None:
        # The shows of a demo share their pictures.
        if LotImage.objects.filter(file=name).exists() or Auction.objects.filter(cover=name).exists():
            return
        for path in (name, *(path for _width, _extension, path in size_names(name, widths))):
            storage.delete(path)

    if name:
        transaction.on_commit(delete)


def lot_of(auction: Auction, spec: LotSpec, *, position: int) -> Lot:
    """Return the lot that a host described, unchecked and unsaved."""
    values: dict[str, Any] = {
        field.name: getattr(spec, field.name) for field in fields(spec) if field.name not in {"timing", "increments"}
    }
    values |= {field.name: getattr(spec.timing, field.name) for field in fields(spec.timing)}
    values["increments"] = (
        rules.preset_increments("auction_house", auction.currency) if spec.increments is None else spec.increments
    )
    return Lot(auction=auction, position=position, **values)


def _lot_add(auction: Auction, spec: LotSpec) -> Lot:
    if auction.status in (AuctionStatus.ENDED, AuctionStatus.CANCELLED):
        raise Refused("auction_over", _("The auction is over."))
    existing = auction.lots.aggregate(count=models.Count("pk"), last=Max("position"))
    if existing["count"] >= MAX_LOTS:
        raise Refused("too_many_lots", _("An auction has at most %(most)s lots.") % {"most": MAX_LOTS})
    lot = lot_of(auction, spec, position=(existing["last"] or 0) + 1)
    lot.number = lot.number.strip() or _next_number(auction)
    check_lot(lot)
    _check_number(lot)
    _save(lot)
    return lot


# --- Checks ------------------------------------------------------------------------------------------


def _verified(email: str) -> models.Q:
    return models.Q(user__emailaddress__email__iexact=email, user__emailaddress__verified=True)


def _address(email: str) -> str:
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError as error:
        raise Refused("invalid", error.messages[0], field="email") from None
    return email


def _check_auction(auction: Auction) -> None:
    if not auction.title.strip():
        raise Refused("required", _("Give the auction a title."), field="title")
    if auction.currency_code not in CURRENCIES:
        raise Refused("unknown_choice", _("Choose one of the listed currencies."), field="currency_code")
    if auction.starts_at is not None and timezone.is_naive(auction.starts_at):
        raise Refused("invalid", _("The start needs a time zone."), field="starts_at")
    if auction.auto_start and auction.starts_at is None:
        raise Refused("required", _("To start by itself the auction needs a start time."), field="starts_at")
    if not 0 <= auction.gap_ms <= MAX_GAP_MS:
        raise Refused("out_of_range", _("The pause between lots is at most one hour."), field="gap_ms")
    if auction.lost_pause_s and not LOST_PAUSE_S[0] <= auction.lost_pause_s <= LOST_PAUSE_S[1]:
        raise Refused(
            "out_of_range",
            _("From %(least)d to %(most)d seconds, or 0 for never.")
            % dict(zip(("least", "most"), LOST_PAUSE_S, strict=True)),
            field="lost_pause_s",
        )
    if auction.new_bidder_limit is not None and not 0 < auction.new_bidder_limit <= MAX_AMOUNT:
        raise Refused("out_of_range", _("The limit is above 0."), field="new_bidder_limit")
    if auction.most_strikes is not None and not 1 <= auction.most_strikes <= 99:
        raise Refused("out_of_range", _("From 1 to 99 strikes."), field="most_strikes")
    if auction.terms is not None and auction.terms.organizer_id != auction.organizer_id:
        raise Refused("invalid", _("These terms are another organizer's."), field="terms")


def tell_floor(lot: Lot) -> None:
    """Let the floor know a lot that it may be asked to take pre-bids on."""
    if lot.auction.status in (AuctionStatus.SCHEDULED, AuctionStatus.LIVE):
        command_add(lot.auction, CommandKind.LOT, lot=lot)


def check_lot(lot: Lot) -> None:
    """Raise Refused at the field that is wrong with a lot, whatever others there are."""
    if not lot.title.strip():
        raise Refused("required", _("Give the lot a title."), field="title")
    for name in ("opening_amount", "reserve_amount", "buy_now_amount", "cap_amount", "estimate_low", "estimate_high"):
        amount = getattr(lot, name)
        if amount is not None and not 0 <= amount <= MAX_AMOUNT:
            raise Refused("out_of_range", _("The amount is out of range."), field=name)
    if lot.opening_amount <= 0:
        raise Refused("out_of_range", _("The opening bid is above 0."), field="opening_amount")
    lot.reserve_amount = lot.reserve_amount or None
    lot.buy_now_amount = lot.buy_now_amount or None
    lot.cap_amount = lot.cap_amount or None
    if lot.buy_now_amount is not None:
        if lot.buy_now_amount <= lot.opening_amount:
            raise Refused("out_of_range", _("The buy-now price is above the opening bid."), field="buy_now_amount")
        if lot.reserve_amount is not None and lot.buy_now_amount < lot.reserve_amount:
            raise Refused("out_of_range", _("The buy-now price is not below the reserve."), field="buy_now_amount")
    if lot.cap_amount is not None and lot.cap_amount < lot.opening_amount:
        raise Refused("out_of_range", _("The cap is not below the opening bid."), field="cap_amount")
    if None not in (lot.estimate_low, lot.estimate_high) and lot.estimate_high < lot.estimate_low:
        raise Refused("out_of_range", _("The high estimate is not below the low one."), field="estimate_high")
    if lot.quantity < 1:
        raise Refused("out_of_range", _("The quantity is at least 1."), field="quantity")
    lot.increments = rules.check_increments(lot.increments)
    rules.check_timing(
        rules.Timing(
            duration_ms=lot.duration_ms,
            window_ms=lot.window_ms,
            extension_ms=lot.extension_ms,
            extension_mode=lot.extension_mode,
            extension_cap=lot.extension_cap,
        )
    )
    for name in ("consignor", "tax_rule", "shipping"):
        other = getattr(lot, name)
        if other is not None and other.organizer_id != lot.auction.organizer_id:
            raise Refused("invalid", _("This belongs to another organizer."), field=name)
    if lot.shipping is not None and lot.shipping.currency_code != lot.auction.currency_code:
        raise Refused("invalid", _("Delivery is priced in another currency than the auction."), field="shipping")


def _check_number(lot: Lot) -> None:
    if Lot.objects.filter(auction=lot.auction, number=lot.number).exclude(pk=lot.pk).exists():
        raise Refused("number_taken", _("Lot number %(number)s is taken.") % {"number": lot.number}, field="number")


def _locked(auction: Auction, actor: User) -> Auction:
    locked = Auction.objects.select_for_update(of=("self",)).select_related("organizer").get(pk=auction.pk)
    if not permissions.can_manage(actor, locked):
        raise Refused("forbidden", _("You may not change this auction."))
    return locked


def _locked_lot(lot: Lot, actor: User) -> Lot:
    auction = _locked(lot.auction, actor)
    locked = Lot.objects.select_for_update(of=("self",)).get(pk=lot.pk, auction=auction)
    locked.auction = auction
    return locked


def _locked_open_lot(lot: Lot, actor: User) -> Lot:
    """Lock a lot whose pictures may change: what was sold or passed stays as people saw it."""
    locked = _locked_lot(lot, actor)
    if locked.status in (LotStatus.SOLD, LotStatus.PASSED, LotStatus.WITHDRAWN):
        raise Refused("lot_closed", _("The lot is closed; its pictures stay on record."), field="file")
    return locked


def _changed(instance: models.Model, changes: Any) -> set[str]:
    return {name for name, value in changes.items() if getattr(instance, name) != value}


def _clean(instance: models.Model, exclude: Iterable[str] = ()) -> None:
    try:
        instance.full_clean(exclude=set(exclude))
    except ValidationError as error:
        name, messages = next(iter(error.message_dict.items()))
        raise Refused("invalid", messages[0], field=None if name == NON_FIELD_ERRORS else name) from None


def _save(instance: models.Model, changed: Iterable[str] | None = None) -> None:
    _clean(instance)
    if changed is None:
        instance.save()
        return
    names = {field.name for field in instance._meta.get_fields()}
    instance.save(update_fields=sorted({*changed, *({"updated_at"} & names)}))


def _channel_of(auction: Auction, actor: User) -> StreamChannel:
    if not permissions.can_manage(actor, auction):
        raise Refused("forbidden", _("You may not run this auction."))
    if auction.stream_channel is None:
        raise Refused("no_channel", _("The auction has no stream channel."))
    return auction.stream_channel


def _channel_for(auction: Auction) -> StreamChannel:
    private = auction.visibility == Visibility.INVITE_ONLY
    channel = auction.stream_channel
    if channel is not None and channel.is_private == private:
        return channel
    return streaming.provider().assign_channel(auction.organizer, private=private)


def _token(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _save_with_slug(auction: Auction) -> None:
    base = _slug_base(auction)
    # The link of an auction that is not listed must not be guessed from its title.
    guessable = auction.visibility == Visibility.PUBLIC and not Auction.objects.filter(slug=base).exists()
    auction.slug = base if guessable else _secret_slug(auction)
    _clean(auction)
    try:
        with transaction.atomic():
            auction.save()
    except IntegrityError:
        # Another auction took the slug between the look and the write.
        auction.slug = _secret_slug(auction)
        auction.save()


def _is_guessable(auction: Auction) -> bool:
    """Say whether a draft that lists will not show has a link made of nothing but its title.

    Once it was published the link is known, and people hold it.
    """
    hidden = auction.visibility != Visibility.PUBLIC and auction.status == AuctionStatus.DRAFT
    return hidden and re.search(rf"-[{_ALPHABET}]{{12}}$", auction.slug) is None


def _slug_base(auction: Auction) -> str:
    return slugify(auction.title)[:100] or "auction"


def _secret_slug(auction: Auction) -> str:
    return f"{_slug_base(auction)}-{_token(12)}"


def _next_number(auction: Auction) -> str:
    taken = set(Lot.objects.filter(auction=auction).values_list("number", flat=True))
    number = 1 + max((int(text) for text in taken if text.isascii() and text.isdigit()), default=0)
    return str(number)
