"""The outbox towards the floor: what was committed in the database is carried to Redis, in order, once or more.

A command names what changed, not how: the row is read again when it is delivered, so that a late or repeated
delivery can never bring an older state back.
"""

from typing import assert_never

import structlog
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from auctions.models import Auction, CommandKind, FloorCommand, Lot, LotStatus, Registration
from auctions.outbox import command_add
from auctions.permissions import is_barred
from bidding.engine import calls
from bidding.engine.calls import Call
from bidding.engine.outcomes import Done, EngineError, Entry, FloorMissing, NotDone
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.models import LedgerPosition
from bidding.selectors import next_lot_info
from bidding.services.announcing import announce_entries_now, announce_registration_now

logger = structlog.get_logger(__name__)


def command_send(
    auction: Auction, kind: CommandKind, *, registration: Registration | None = None, lot: Lot | None = None
) -> None:
    """Write a command beside the change that it tells of, and deliver it as soon as that is committed."""
    command_add(auction, kind, registration=registration, lot=lot)
    transaction.on_commit(lambda: commands_deliver(auction_id=auction.pk))


def commands_deliver(*, auction_id: int) -> int:
    """Carry the waiting commands of an auction to the floor; return how many went. What fails waits."""
    delivered = 0
    entries: list[tuple[str, tuple[Entry, ...]]] = []
    changed: list[int] = []
    with transaction.atomic():
        # The lock on the auction keeps two deliverers from overtaking each other.
        auction = Auction.objects.select_for_update().get(pk=auction_id)
        for command in FloorCommand.objects.filter(auction=auction, done_at=None).order_by("pk"):
            try:
                outcome = run(floor(), _call(auction, command))
            except FloorMissing:
                logger.error("floor_missing", auction=auction_id, kind=command.kind)
                break
            except (RedisError, EngineError, OSError) as error:
                logger.warning("floor_command_waits", auction=auction_id, kind=command.kind, error=str(error))
                break
            if isinstance(outcome, Done):
                entries.append((outcome.epoch, outcome.entries))
            else:
                logger.info("floor_command_refused", auction=auction_id, kind=command.kind, code=outcome.code)
            if "registration" in command.payload:
                changed.append(command.payload["registration"])
            command.done_at = timezone.now()
            command.save(update_fields=["done_at"])
            delivered += 1
    for epoch, written in entries:
        announce_entries_now(auction_id, epoch, written)
    for registration_id in changed:
        announce_registration_now(auction_id, registration_id)
    return delivered


def _call(auction: Auction, command: FloorCommand) -> Call[Done | NotDone]:
    kind = CommandKind(command.kind)
    match kind:
        case CommandKind.SCHEDULE:
            epoch = LedgerPosition.objects.get(auction=auction).epoch
            return calls.schedule(auction.pk, epoch=epoch, exponent=auction.currency.exponent)
        case CommandKind.LOT:
            lot = Lot.objects.get(pk=command.payload["lot"])
            return calls.set_lot(
                auction.pk,
                lot_id=lot.pk,
                opening=lot.opening_amount if lot.status == LotStatus.PENDING else None,
                buy_now=lot.buy_now_amount,
                cap=lot.cap_amount,
                over_run_id=lot.runs.exclude(closed_at_ms=None)
                .order_by("-attempt")
                .values_list("pk", flat=True)
                .first(),
            )
        case CommandKind.GO_LIVE:
            return calls.go_live(auction.pk, next_lot=next_lot_info(auction, None))
        case CommandKind.REGISTRATION:
            registration = Registration.objects.select_related("user").get(pk=command.payload["registration"])
            barred = registration.user is not None and is_barred(registration.user, auction)
            if barred != registration.barred:
                Registration.objects.filter(pk=registration.pk).update(barred=barred)
            return calls.set_registration(
                auction.pk,
                registration_id=registration.pk,
                paddle=registration.paddle,
                status=registration.status,
                spending_limit=registration.spending_limit,
                barred=barred,
            )
        case _:
            assert_never(kind)
