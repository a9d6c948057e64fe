"""How much an auction trusts somebody: their strikes, and what is new about them.

Owns what a registration is refused or limited for. The limit itself is enforced by the script that decides bids.
"""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.languages import speaking_to
from accounts.models import Organizer, Strike, StrikeReason, User
from accounts.services import mail_send
from auctions.audit import audited
from auctions.errors import Refused
from auctions.models import Auction, CommandKind, EntryRequirement, Registration
from auctions.outbox import command_add
from auctions.permissions import can_manage, can_strike

STRIKE_DAYS: Final = 180
LONGEST_STRIKE_DAYS: Final = 3 * 365


# --- Strikes -------------------------------------------------------------------------------------------


@audited
def strike_add(
    *,
    user: User,
    organizer: Organizer | None,
    actor: User,
    reason: StrikeReason,
    days: int = STRIKE_DAYS,
    note: str = "",
) -> Strike:
    """Give somebody a strike for a house, or for the site where `organizer` is None; they are told the reason."""
    if not can_strike(actor, organizer):
        raise Refused("forbidden", _("You may not give strikes here."))
    if not 1 <= days <= LONGEST_STRIKE_DAYS:
        raise Refused(
            "out_of_range", _("A strike lasts from one day to %(most)d.") % {"most": LONGEST_STRIKE_DAYS}, field="days"
        )
    if user.closed_at is not None:
        raise Refused("closed", _("This account is closed."), field="user")
    with transaction.atomic():
        strike = Strike.objects.create(
            user=user,
            organizer=organizer,
            reason=reason,
            note=note.strip(),
            expires_at=timezone.now() + timedelta(days=days),
            created_by=actor,
        )
        with speaking_to(user):
            subject = _("A strike")
            text = _("%(house)s gave you a strike: %(reason)s. It counts until %(until)s.") % {
                "house": organizer.name if organizer else settings.SITE_NAME,
                "reason": strike.get_reason_display(),
                "until": formats.date_format(strike.expires_at),
            }
        mail_send(user=user, subject=subject, text=f"{text}\n")
    return strike


@audited
def strike_lift(*, strike: Strike, actor: User) -> Strike:
    """Let a strike count no longer; lifting twice is fine."""
    if not can_strike(actor, strike.organizer):
        raise Refused("forbidden", _("You may not lift this strike."))
    if strike.lifted_at is None:
        strike.lifted_at, strike.lifted_by = timezone.now(), actor
        strike.save(update_fields=["lifted_at", "lifted_by"])
    return strike


def active_strikes(user: User) -> int:
    """Count the strikes that somebody has now, whoever gave them."""
    return Strike.objects.active().filter(user=user).count()


# --- What it means for a paddle ------------------------------------------------------------------------


def check_entry(auction: Auction, user: User) -> None:
    """Refuse whoever does not give what this auction asks for, or has too many strikes, and say until when."""
    if wants_address(auction, user):
        raise Refused(
            "address_missing",
            _("This auction asks for a postal address. Write it in your profile first."),
            field="delivery_address",
        )
    if auction.most_strikes is None:
        return
    strikes = list(Strike.objects.active().filter(user=user).order_by("expires_at"))
    if len(strikes) < auction.most_strikes:
        return
    # When so many have run out that fewer than the limit are left.
    until = strikes[len(strikes) - auction.most_strikes].expires_at
    reasons = ", ".join(dict.fromkeys(str(strike.get_reason_display()) for strike in strikes))
    text = ngettext(
        "You have a strike (%(reasons)s), and this auction gives you no paddle before %(until)s.",
        "You have %(count)d strikes (%(reasons)s), and this auction gives you no paddle before %(until)s.",
        len(strikes),
    )
    raise Refused(
        "too_many_strikes",
        text % {"count": len(strikes), "reasons": reasons, "until": formats.date_format(until)},
    )


def wants_address(auction: Auction, user: User) -> bool:
    """Say whether this auction asks for a postal address and somebody has given none."""
    return auction.entry == EntryRequirement.ADDRESS and not user.delivery_address


def first_limit(auction: Auction, user: User) -> int | None:
    """Return what somebody may spend from the start, in minor units: less for new accounts, unless verified."""
    is_new = timezone.now() - user.date_joined < timedelta(days=settings.NEW_ACCOUNT_DAYS)
    return auction.new_bidder_limit if is_new and user.verified_at is None else None


@audited
def spending_limit_set(*, registration: Registration, actor: User, limit: int | None) -> Registration:
    """Set what a bidder may spend, in minor units, or lift it by None. It is in force when the floor has it."""
    if not can_manage(actor, registration.auction):
        raise Refused("forbidden", _("You may not change who takes part in this auction."))
    with transaction.atomic():
        locked = Registration.objects.select_for_update(of=("self",)).select_related("auction").get(pk=registration.pk)
        if locked.spending_limit != limit:
            locked.spending_limit = limit
            locked.save(update_fields=["spending_limit"])
            command_add(locked.auction, CommandKind.REGISTRATION, registration=locked)
    return locked
