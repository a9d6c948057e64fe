"""One world with every kind of person and one of everything, and what each person is answered in it.

Used by the table of permissions: it builds the world, finds every address of the site, and asks.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib import admin
from django.db import models, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import Follow, HostRequest, Membership, Organizer, PushSubscription, Role, Strike, User
from accounts.services import user_create
from auctions import services as catalogue
from auctions.billing import invoice_issue
from auctions.models import (
    Auction,
    AuditEntry,
    Category,
    Consignor,
    Lot,
    LotWatch,
    Offer,
    Order,
    RegistrationStatus,
    Reminder,
    Sale,
    StreamRecording,
    TaxRule,
    Upload,
    Visibility,
)
from auctions.recordings import PartWriter, new_name
from bidding import ledger, services
from bidding.demo import testcard
from bidding.engine import calls
from bidding.engine.outcomes import BidAccepted
from bidding.engine.runner import run
from bidding.floor import floor
from bidding.models import Appeal, ChatMessage, DiscardedEntry, Mute, Notification, Refusal, Report
from bidding.relay.containers import Piece

PEOPLE = (
    "anonymous",
    "stranger",
    "invited",
    "bidder",
    "banned",
    "named",
    "moderator",
    "clerk",
    "finance",
    "auctioneer",
    "owner",
    "other_owner",
    "staff",
    "administrator",
)
"""`named` moderates this one auction; `staff` may enter the admin and has no role anywhere."""

RESERVE, MAXIMUM, STREAM_KEY = 9_876_543, 7_777_777, "key-of-the-encoder"
BOARD_NONCE = "nonce-of-the-board"
BID_ID = "00000000-0000-4000-8000-0000000000b1"
LOGIN = "sign in"
"""Sent to the sign-in page."""


@dataclass
class World:
    """An invite-only live auction with an open lot, its people, and one row of everything about it."""

    auction: Auction
    lot: Lot
    people: dict[str, User | None]
    rows: dict[type[models.Model], models.Model] = field(default_factory=dict)
    _browsers: dict[str, tuple[Client, dict[str, str]]] = field(default_factory=dict)

    def ask(self, person: str, method: str, path: str, data: Any = None) -> Any:
        """Send a request as a person; nothing that it changes in the database stays."""
        client, cookies = self._browser(person)
        client.cookies.clear()
        client.cookies.load(cookies)
        options: dict[str, Any] = {"content_type": "application/json"} if path.startswith("/api/") else {}
        with transaction.atomic():
            if method == "GET":
                response: Any = client.get(path)
            else:
                response = getattr(client, method.lower())(path, {} if data is None else data, **options)
                response.changed = self.state()
            transaction.set_rollback(True)
        return response

    def _browser(self, person: str) -> tuple[Client, dict[str, str]]:
        if person not in self._browsers:
            address = f"198.51.100.{PEOPLE.index(person) + 1}"
            client = Client(REMOTE_ADDR=address, raise_request_exception=False)
            if (user := self.people[person]) is not None:
                client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
                # The first page of a session notes where it is used; the further ones write nothing.
                client.get("/accounts/inactive/")
            self._browsers[person] = client, {name: morsel.value for name, morsel in client.cookies.items()}
        return self._browsers[person]

    def state(self) -> dict[str, Any]:
        """Return the values of every row that nobody else may change."""
        return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in self.rows}


def recording_of(auction: Auction) -> StreamRecording:
    """Return a part of a show's recording, with its files."""
    assert auction.stream_channel is not None
    assert auction.went_live_at is not None
    name = new_name(auction.pk)
    writer = PartWriter(name, testcard.opening())
    writer.write([Piece(testcard.cluster(at_ms, b"picture"), is_mark=True, at_ms=at_ms) for at_ms in (0, 1_000)])
    writer.close()
    return StreamRecording.objects.create(
        channel=auction.stream_channel,
        auction=auction,
        prefix=name,
        mime='video/webm;codecs="vp8"',
        started_at=auction.went_live_at,
        ended_at=auction.went_live_at + timedelta(seconds=1),
        size=writer.size,
    )


def outcome(response: Any) -> int | str:
    """Return a response's status, or that it sends one to sign in."""
    location = response.get("Location", "")
    if response.status_code == 302 and location.startswith(("/accounts/login/", "/admin/login/")):
        return LOGIN
    return int(response.status_code)


def build(host: User, organizer: Organizer, other_owner: User, administrator: User) -> World:
    """Return the world; the floor is empty before."""
    people: dict[str, User | None] = {"anonymous": None, "owner": host, "other_owner": other_owner}
    for name in PEOPLE:
        if name not in people:
            inside = name in {*Role.values, "staff"}
            people[name] = user_create(
                email=f"{name}@people.test",
                password="long-enough-for-all",
                display_name=name.title(),
                is_staff=inside,
            )
    people["administrator"] = administrator
    # The sign-in page of a demo names the address that the cast gives to hosts.
    host.email = "owner@people.test"
    host.save()
    EmailAddress.objects.filter(user=host).update(email=host.email)
    users = {name: user for name, user in people.items() if user is not None}
    for role in set(Role.values) - {"owner"}:
        Membership.objects.create(organizer=organizer, user=users[role], role=role)
    tax = TaxRule.objects.create(organizer=organizer, name="VAT")
    consignor = Consignor.objects.create(organizer=organizer, name="Estate")
    auction = catalogue.auction_create(
        actor=host,
        organizer=organizer,
        title="Behind closed doors",
        visibility=Visibility.INVITE_ONLY,
        lots=[
            catalogue.LotSpec(title="Clock", opening_amount=1_000_000, increments=[[0, 500]], reserve_amount=RESERVE),
            catalogue.LotSpec(title="Lamp", opening_amount=2_000, increments=[[0, 500]], reserve_amount=RESERVE),
        ],
    )
    assert auction.stream_channel is not None
    auction.stream_channel.stream_key = STREAM_KEY
    auction.stream_channel.save()
    auction.board_nonce = BOARD_NONCE
    auction.save()
    auction = services.auction_schedule(auction=auction, actor=host)
    moderator = catalogue.moderator_name(actor=host, auction=auction, email="named@people.test")
    invitation = catalogue.invitation_add(actor=host, auction=auction, email="invited@people.test")
    for name in ("bidder", "banned"):
        catalogue.invitation_add(actor=host, auction=auction, email=f"{name}@people.test")
    registration, _ = services.registration_create(auction=auction, user=users["bidder"], accept_terms=True)
    banned, _ = services.registration_create(auction=auction, user=users["banned"], accept_terms=True)
    services.registration_set_status(registration=banned, status=RegistrationStatus.BANNED, actor=host)
    services.auction_go_live(auction=auction, actor=host)
    lot = auction.lots.get(title="Clock")
    services.lot_open(lot=lot, actor=host)
    offer = calls.BidOffer(registration.pk, MAXIMUM, is_maximum=True, bid_id=BID_ID)
    assert isinstance(run(floor(), calls.place_bid(auction.pk, offer)).answer, BidAccepted)
    writer = ledger.Ledger()
    while writer.store_all():
        pass
    world = World(Auction.objects.get(pk=auction.pk), lot, people)
    run_of_lot = lot.runs.get()
    sale = Sale.objects.create(run=run_of_lot, closing_number=1, buyer=registration, hammer_amount=500)
    order = Order.objects.create(auction=auction, buyer=registration, delivery_address="7 Telltale Lane")
    rows: list[models.Model] = [
        world.auction,
        lot,
        run_of_lot,
        registration,
        organizer,
        moderator,
        invitation,
        tax,
        consignor,
        sale,
        order,
        Offer.objects.create(
            run=run_of_lot,
            registration=registration,
            kind="second_chance",
            amount=500,
            expires_at=timezone.now() + timedelta(days=2),
        ),
        users["bidder"],
        recording_of(world.auction),
        Notification.objects.create(user=users["bidder"], auction=auction, kind="reminder", at_ms=1),
        PushSubscription.objects.create(
            user=users["bidder"], endpoint="https://push.test/secret", public_key="p", secret="s"
        ),
        Follow.objects.create(user=users["bidder"], organizer=organizer),
        LotWatch.objects.create(user=users["bidder"], lot=lot),
        Reminder.objects.create(user=users["bidder"], auction=auction),
        Upload.objects.create(lot=lot, created_by=host, key="a-key", content_type="image/png"),
        Category.objects.create(name="Clocks", slug="clocks"),
        AuditEntry.objects.create(
            actor=host,
            action="lot_pause",
            outcome="done",
            organizer=organizer,
            auction=auction,
            lot=lot,
            door="desk",
            address="192.0.2.77",
        ),
        invoice_issue(order=order),
        HostRequest.objects.create(user=users["stranger"], house="Lamp House", about="Lamps."),
        Strike.objects.create(
            user=users["bidder"],
            organizer=organizer,
            reason="unpaid",
            note="private note",
            expires_at=timezone.now() + timedelta(days=9),
            created_by=host,
        ),
        ChatMessage.objects.create(
            auction=auction, user=users["bidder"], entry="1-1", author="Paddle 101", paddle=101, text="Hello.", at_ms=1
        ),
        Report.objects.create(auction=auction, reporter=users["banned"], subject=users["bidder"], reason="spam"),
        Appeal.objects.create(auction=auction, user=users["banned"], text="It was a joke."),
        Mute.objects.create(auction=auction, user=users["banned"], reason="spam", created_by=host),
        DiscardedEntry.objects.create(
            auction=auction, epoch="e0", v=1, kind="MAX_RAISED", at_ms=1, private=str(MAXIMUM)
        ),
        Refusal.objects.create(
            auction=auction, registration=registration, entry="1-1", code="too_low", v=1, at_ms=1, answer="{}"
        ),
    ]
    world.rows = {type(row): row for row in rows}
    for model in admin.site._registry:
        if model not in world.rows and (row := model._default_manager.order_by("pk").first()) is not None:
            world.rows[model] = row
    return world


def addresses() -> Iterator[str]:
    """Return every address of the site as the resolver writes it."""
    yield from _addresses(get_resolver())


def _addresses(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route
        else:
            yield from _addresses(pattern, route)
