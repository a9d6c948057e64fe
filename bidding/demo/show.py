"""The demo's house and its shows: made once, and a new live show whenever the last one is over.

Owns what the demo creates, and uses the services that a host's pages use. Bids nothing itself, except for the one
show that is over before anybody comes: its bids go through the same script as all others.
"""

import random
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from io import BytesIO
from time import sleep
from typing import Final
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import slugify
from msgspec import Raw

from accounts.models import MailKind, Membership, Organizer, Role, User
from accounts.services import user_create
from auctions.errors import Refused
from auctions.media import clean_picture
from auctions.models import (
    Auction,
    AuctionStatus,
    Category,
    ExtensionMode,
    Lot,
    LotImage,
    Registration,
    ShippingProfile,
    TaxRule,
)
from auctions.money import format_amount
from auctions.rules import Timing, minimum_after
from auctions.services import LotSpec, auction_create, terms_publish
from auctions.work import work_later
from bidding import protocol
from bidding.demo import catalogue, pictures
from bidding.demo.catalogue import DemoLot
from bidding.engine.outcomes import FloorMissing
from bidding.selectors import pulse_now, room_info
from bidding.services import (
    auction_end,
    auction_go_live,
    auction_schedule,
    bid_place_now,
    lot_close_due,
    lot_open,
    recordings_erase,
    registration_create,
)

logger = structlog.get_logger(__name__)

PASSWORD: Final = "demo-demo-demo"  # noqa: S105 - published, and refused on any public address
SIMULATED: Final = 16
"""How many accounts simulated bidders can use: sim1@example.test and so on."""
ZONE: Final = "Europe/Berlin"
SHOWN: Final = 6
"""How many shows that are over stay on the home page."""
GAP_MS: Final = 6_000
TIMING: Final = Timing(
    duration_ms=40_000, window_ms=10_000, extension_ms=10_000, extension_mode=ExtensionMode.RESET, extension_cap=6
)
PAST_TIMING: Final = Timing(
    duration_ms=1_000, window_ms=0, extension_ms=0, extension_mode=ExtensionMode.ADD, extension_cap=0
)
_BY_PICTURE: Final = {lot.picture: lot for lot in catalogue.LOTS}


class NotADemo(Exception):
    """This installation is no demo, and must not get accounts whose password everybody knows."""


@dataclass(frozen=True, slots=True)
class House:
    """The demo's organizer with what its lots refer to."""

    organizer: Organizer
    host: User
    tax: TaxRule
    parcel: ShippingProfile
    carrier: ShippingProfile


def house_ensure(slug: str = catalogue.HOUSE) -> House:
    """Return a house of the demo, made with its people at the first call.

    Raises:
        NotADemo: `DEMO` is off.
    """
    if not settings.DEMO:
        raise NotADemo("DEMO is off. Demo accounts have a known password: set DEMO=1 only where nobody is harmed.")
    with transaction.atomic():
        host = _people_ensure()
        organizer, _ = Organizer.objects.get_or_create(
            slug=slug,
            defaults={
                "name": catalogue.HOUSES[slug],
                "address": catalogue.HOUSE_ADDRESS,
                "payment_instructions": catalogue.PAYMENT,
                "tax_id": "DE999999999",
            },
        )
        moderator = User.objects.get(email="moderator@example.test")
        for user, role in ((host, Role.OWNER), (moderator, Role.MODERATOR)):
            Membership.objects.get_or_create(organizer=organizer, user=user, role=role)
        terms_publish(organizer=organizer, text=catalogue.TERMS)
        tax, _ = TaxRule.objects.get_or_create(organizer=organizer, name="VAT 19 %", defaults={"rate_bp": 1_900})
        parcel, _ = ShippingProfile.objects.get_or_create(
            organizer=organizer, name="Insured parcel", defaults={"first_item": 1_290, "each_further": 350}
        )
        carrier, _ = ShippingProfile.objects.get_or_create(
            organizer=organizer, name="Two-person delivery", defaults={"first_item": 8_900, "ships_alone": True}
        )
    return House(organizer=organizer, host=host, tax=tax, parcel=parcel, carrier=carrier)


def surroundings_ensure(house: House) -> None:
    """Make the shows around the live one: one upcoming, one in yen, one that is over."""
    tomorrow = datetime.combine(timezone.localdate() + timedelta(days=1), time(20), tzinfo=ZoneInfo(ZONE))
    if not _find(house, catalogue.UPCOMING):
        lots = [_BY_PICTURE[name] for name in catalogue.UPCOMING_LOTS]
        show = _show_create(
            house, catalogue.UPCOMING, catalogue.UPCOMING_WORDS, lots, starts_at=tomorrow, timing=Timing()
        )
        auction_schedule(auction=show, actor=house.host)
    if not _find(house, catalogue.OVERSEAS):
        show = _show_create(
            house,
            catalogue.OVERSEAS,
            catalogue.OVERSEAS_WORDS,
            [_in_yen(_BY_PICTURE[name]) for name in catalogue.OVERSEAS_LOTS],
            starts_at=tomorrow + timedelta(days=3),
            timing=Timing(),
            currency_code="JPY",
        )
        auction_schedule(auction=show, actor=house.host)
    if not _find(house, catalogue.PAST):
        _past_run(house)


def live_ensure(house: House) -> Auction | None:
    """Begin the house's next evening if none is live; return it, or None where there was nothing to do."""
    live = _evenings(house).filter(status=AuctionStatus.LIVE)
    for show in live:
        if not _is_on_floor(show):
            # The data of the floor was removed, but not the database: nobody can ever bid in it again.
            logger.warning("demo_show_lost", auction=show.pk)
            now = timezone.now()
            live.filter(pk=show.pk).update(
                status=AuctionStatus.CANCELLED, cancel_reason="floor_missing", ended_at=now, cleaned_at=now
            )
    if live.all().exists():
        return None
    show = _evenings(house).filter(status=AuctionStatus.SCHEDULED).first() or _evening_create(house)
    show = auction_go_live(auction=show, actor=house.host)
    _old_archive(house)
    return show


# --- People ------------------------------------------------------------------------------------------


def _people_ensure() -> User:
    """Make the accounts that are missing, and return the host."""
    people = {
        "admin@example.test": ("Site staff", True, True),
        "host@example.test": ("Marta Lindqvist", True, False),
        "moderator@example.test": ("Jonas Weber", True, False),
        **{f"bidder{number}@example.test": (f"Bidder {number}", False, False) for number in range(1, 6)},
        **{f"sim{number}@example.test": (f"Simulated {number}", False, False) for number in range(1, SIMULATED + 1)},
    }
    known = set(User.objects.filter(email__in=people).values_list("email", flat=True))
    # Hashing is slow on purpose; everybody knows this password, so once is enough.
    password = make_password(PASSWORD) if len(known) < len(people) else ""
    for email, (name, is_staff, is_superuser) in people.items():
        if email not in known:
            user = user_create(email=email, display_name=name, is_staff=is_staff, is_superuser=is_superuser)
            user.password = password
            # Nobody reads what the simulated ones are sent.
            user.unwanted_mails = [kind.value for kind in MailKind] if email.startswith("sim") else []
            user.save(update_fields=["password", "unwanted_mails"])
    return User.objects.get(email="host@example.test")


# --- Shows -------------------------------------------------------------------------------------------


def _find(house: House, title: str) -> Auction | None:
    return Auction.objects.filter(organizer=house.organizer, title=title).first()


def _evenings(house: House) -> QuerySet[Auction]:
    return Auction.objects.filter(organizer=house.organizer, slug__startswith="evening-")


def _evening_create(house: House) -> Auction:
    """Make and schedule the next of the shows that follow one another."""
    number = 1 + _evenings(house).count()
    theme = catalogue.SHOWS[(number - 1) % len(catalogue.SHOWS)]
    lots = list(catalogue.LOTS)
    # The first visitor sees the lots as they are listed; later shows differ.
    if number > 1:
        random.Random(number).shuffle(lots)  # noqa: S311 - an order of sale
    with transaction.atomic():
        show = _show_create(
            house, f"Evening {number}: {theme}", catalogue.SHOW_WORDS, lots, timing=TIMING, gap_ms=GAP_MS
        )
        return auction_schedule(auction=show, actor=house.host)


def _show_create(
    house: House,
    title: str,
    words: str,
    lots: Iterable[DemoLot],
    *,
    timing: Timing,
    starts_at: datetime | None = None,
    currency_code: str = "EUR",
    gap_ms: int = 8_000,
) -> Auction:
    lots = list(lots)
    unit = 100 if currency_code == "EUR" else 1
    files = {lot.picture: _picture_ensure(lot.picture) for lot in lots}
    with transaction.atomic():
        show = auction_create(
            actor=house.host,
            organizer=house.organizer,
            title=title,
            description=words,
            time_zone=ZONE,
            currency_code=currency_code,
            starts_at=starts_at or timezone.now(),
            gap_ms=gap_ms,
            buyer_premium_bp=1_800,
            lots=[_spec(house, lot, unit, timing) for lot in lots],
        )
        show.cover = files[lots[0].picture]
        show.save(update_fields=["cover"])
        for lot, row in zip(lots, show.lots.order_by("position"), strict=True):
            image = LotImage.objects.create(lot=row, file=files[lot.picture], alt=lot.alt)
            work_later("sizes_make", image.pk)
    return show


def _spec(house: House, lot: DemoLot, unit: int, timing: Timing) -> LotSpec:
    category, _ = Category.objects.get_or_create(name=lot.category, defaults={"slug": slugify(lot.category)})
    return LotSpec(
        title=lot.title,
        description=lot.description,
        condition=lot.condition,
        category=category,
        estimate_low=lot.estimate[0] * unit,
        estimate_high=lot.estimate[1] * unit,
        opening_amount=lot.opening * unit,
        reserve_amount=lot.reserve * unit if lot.reserve else None,
        tax_rule=house.tax,
        shipping=(house.carrier if lot.bulky else house.parcel) if unit != 1 else None,
        timing=timing,
    )


def _in_yen(lot: DemoLot) -> DemoLot:
    def yen(amount: int) -> int:
        return round(amount * catalogue.YEN_FOR_ONE, -2)

    low, high = lot.estimate
    return replace(
        lot,
        estimate=(yen(low), yen(high)),
        opening=yen(lot.opening),
        reserve=yen(lot.reserve) if lot.reserve else None,
    )


def _picture_ensure(name: str) -> str:
    """Return the stored file of a picture, drawn when it is needed first; all shows share it."""
    path = f"demo/{name}.webp"
    if not default_storage.exists(path):
        drawn = BytesIO()
        pictures.draw(name).save(drawn, "PNG", compress_level=1)
        drawn.seek(0)
        # Through the same door as an upload, so that it is stored like one.
        path = default_storage.save(path, ContentFile(clean_picture(drawn).content))
    return path


def _is_on_floor(show: Auction) -> bool:
    try:
        pulse_now(show.pk)
    except FloorMissing:
        return False
    return True


def _old_archive(house: House) -> None:
    """Take old shows off the lists, with their recordings; who took part still finds the results."""
    over = Auction.objects.filter(organizer=house.organizer, cleaned_at__isnull=False, archived_at__isnull=True)
    for show in list(over.order_by("-ended_at")[SHOWN:]):
        try:
            # One after another for days: their test picture would fill the disk.
            recordings_erase(auction=show, actor=None)
        except Refused as refused:
            logger.warning("demo_recording_stays", auction=show.pk, why=refused.message)
        Auction.objects.filter(pk=show.pk).update(archived_at=timezone.now())


# --- The show that is over -----------------------------------------------------------------------------


def _past_run(house: House) -> None:
    """Sell three lots to the demo's bidders, so that there are results and orders from the start."""
    lots = [_BY_PICTURE[name] for name in catalogue.PAST_LOTS]
    show = _show_create(house, catalogue.PAST, catalogue.PAST_WORDS, lots, timing=PAST_TIMING)
    # A channel carries one live show, and the database learns only from the ledger that this one is over.
    show.stream_channel = None
    show.save(update_fields=["stream_channel"])
    show = auction_schedule(auction=show, actor=house.host)
    show = auction_go_live(auction=show, actor=house.host)
    bidders = [
        registration_create(
            auction=show, user=User.objects.get(email=f"bidder{number}@example.test"), accept_terms=True
        )[0]
        for number in range(1, 6)
    ]
    rng = random.Random(1)  # noqa: S311 - who bids
    for lot in show.lots.order_by("position"):
        lot_open(lot=lot, actor=house.host)
        _past_bids(show, lot, rng, bidders)
        _let_it_end(show, lot)
    auction_end(auction=show, actor=house.host)


def _let_it_end(show: Auction, lot: Lot) -> None:
    """Wait until the lot's short time is over, and close it as the clock would."""
    while not lot_close_due(auction=show, lot_id=lot.pk):
        sleep(0.05)


def _past_bids(show: Auction, lot: Lot, rng: random.Random, bidders: list[Registration]) -> None:
    room = room_info(show.pk)
    assert room is not None
    price, last = lot.opening_amount, None
    while price <= (lot.estimate_high or price) * rng.uniform(0.8, 1.1):
        last = rng.choice([bidder for bidder in bidders if bidder != last])
        amount = format_amount(price, show.currency.exponent)
        message = protocol.PlaceBid(amount=Raw(f'"{amount}"'.encode()), lot=lot.pk, id=str(uuid.uuid4()))
        bid_place_now(room=room, registration_id=last.pk, message=message)
        price = minimum_after(price, lot.increments)
