"""Put an auction with signed-in bidders on a running stack, and read what its database holds, for the system tests.

The functions run in the tests. They start this module as a program in the stack's environment, because a test's own
Django belongs to another database. Sessions are written down instead of signed in: a site limits sign-ins by address,
and hashes passwords slowly.

    python -m tests.staging stage|past|stored|resume JSON
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auction_site.stack import Stack
from paddle_client import AsyncClient
from paddle_client.http import Session

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Staged:
    """An auction on a stack, scheduled or live, with the sessions of its host and, by paddle, of its bidders."""

    auction_id: int
    slug: str
    lots: tuple[int, ...]
    paddles: tuple[int, ...]
    sessions: tuple[str, ...]
    host_session: str

    def bidder(self, url: str, index: int) -> AsyncClient:
        """Return a client that is signed in as that bidder, at one of the stack's addresses."""
        session = Session(url)
        session.set_cookie("sessionid", self.sessions[index])
        return AsyncClient(url, session=session)


def stage(
    stack: Stack,
    *,
    bidders: int = 2,
    lots: int = 1,
    live: bool = True,
    word: str = "Thing",
    opening_amount: int = 1_000,
    pictures: int = 0,
    reserve_amount: int | None = None,
    **timing: Any,
) -> Staged:
    """Create an auction whose lots open one after another by themselves; `timing` is that of its lots.

    `word` is in all titles, amounts are in cents, `pictures` is how many the first lot has.
    """
    options = {"bidders": bidders, "lots": lots, "live": live, "word": word, "opening_amount": opening_amount}
    options |= {"pictures": pictures, "reserve_amount": reserve_amount}
    told = _ask(stack, "stage", options | {"timing": timing})
    return Staged(
        auction_id=told["auction_id"],
        slug=told["slug"],
        lots=tuple(told["lots"]),
        paddles=tuple(told["paddles"]),
        sessions=tuple(told["sessions"]),
        host_session=told["host_session"],
    )


@dataclass(frozen=True)
class Past:
    """A show that is over: the first bidder of a staged one bought its lot, and has an order with three papers.

    The same person follows the house, is reminded of its next show, watches its lot, and was told of all that.
    """

    slug: str
    lot: int
    order: int
    auction: int
    house: str
    category: str
    coming: str
    unsubscribe: str
    """The token of a mail."""


def past(stack: Stack, staged: Staged) -> Past:
    """Write down, in the house of a staged auction, another one that is over: Redis never knew of it."""
    return Past(**_ask(stack, "past", {"auction_id": staged.auction_id}))


@dataclass(frozen=True)
class Stored:
    """What the database holds of an auction: events (v, s, kind, public text), bids (v, amount, paddle) and results."""

    events: list[tuple[int, int, str, str]]
    bids: list[tuple[int, int, int, str]]
    """Version, amount in minor units, paddle, the client's id."""
    results: list[dict[str, Any]]
    status: str
    is_final: bool


def stored(stack: Stack, auction_id: int) -> Stored:
    """Return what the database of a stack holds of an auction now."""
    told = _ask(stack, "stored", {"auction_id": auction_id})
    told["events"] = [tuple(event) for event in told["events"]]
    told["bids"] = [tuple(bid) for bid in told["bids"]]
    return Stored(**told)


def resume(stack: Stack, lot_id: int) -> None:
    """Let a paused lot of a stack run on."""
    _ask(stack, "resume", {"lot_id": lot_id})


def _ask(stack: Stack, what: str, options: dict[str, Any]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.staging", what, json.dumps(options)],
        env=stack.env,
        cwd=ROOT,
        text=True,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


# --- In the stack's environment ------------------------------------------------------------------------


def _stage(
    *,
    bidders: int,
    lots: int,
    live: bool,
    word: str,
    opening_amount: int,
    pictures: int,
    reserve_amount: int | None,
    timing: dict[str, Any],
) -> dict[str, Any]:
    from io import BytesIO

    from PIL import Image

    from accounts.models import Membership, Organizer, Role, User
    from accounts.services import user_create
    from auctions.rules import Timing
    from auctions.services import LotSpec, auction_create, lot_image_add, terms_publish
    from bidding.services import auction_go_live, auction_schedule, registration_create

    host = User.objects.filter(email="stage-host@example.test").first()
    if host is None:
        host = user_create(email="stage-host@example.test", is_staff=True)
    # An organizer of its own: a channel carries one live show, and tests do not wait for each other's.
    number = Organizer.objects.count() + 1
    organizer = Organizer.objects.create(name=f"Stage {number}", slug=f"stage-{number}")
    Membership.objects.create(organizer=organizer, user=host, role=Role.OWNER)
    terms_publish(organizer=organizer, text="A bid is binding.")
    auction = auction_create(
        actor=host,
        organizer=organizer,
        title=f"Staged show {number}: {word}",
        gap_ms=500,
        lots=[
            LotSpec(
                title=f"{word} {index + 1}",
                opening_amount=opening_amount,
                reserve_amount=reserve_amount,
                increments=[[0, 100]],
                timing=Timing(**timing),
            )
            for index in range(lots)
        ],
    )
    for index in range(pictures):
        drawn = BytesIO()
        Image.new("RGB", (640, 480), (40 * index, 90, 70)).save(drawn, "PNG")
        drawn.seek(0)
        lot_image_add(actor=host, lot=auction.lots.order_by("position")[0], upload=drawn, alt=f"Side {index + 1}")
    auction = auction_schedule(auction=auction, actor=host)
    paddles, sessions = [], []
    for index in range(bidders):
        email = f"stage-bidder{index + 1}@example.test"
        user = User.objects.filter(email=email).first() or user_create(email=email)
        registration, _created = registration_create(auction=auction, user=user, accept_terms=True)
        paddles.append(registration.paddle)
        sessions.append(_session(user))
    if live:
        auction_go_live(auction=auction, actor=host)
    return {
        "auction_id": auction.pk,
        "slug": auction.slug,
        "lots": list(auction.lots.order_by("position").values_list("pk", flat=True)),
        "paddles": paddles,
        "sessions": sessions,
        "host_session": _session(host),
    }


def _past(*, auction_id: int) -> dict[str, Any]:
    from datetime import timedelta

    from django.utils import timezone

    from auctions.billing import auction_invoice
    from auctions.models import Auction, Lot, LotRun, Registration, ShippingProfile, TaxRule
    from auctions.sales import order_set_delivery, sale_finalize, sale_record
    from bidding.models import Bid

    live, ended_at = Auction.objects.select_related("organizer").get(pk=auction_id), timezone.now()
    organizer, opened_at_ms = live.organizer, round(ended_at.timestamp() * 1_000) - 90_000
    organizer.address, organizer.payment_instructions = "1 Mill Lane", "IBAN DE02 1203 0000 0000 2020 51"
    organizer.save()
    auction = Auction.objects.create(
        organizer=organizer,
        title="Clocks and lamps",
        slug=f"past-{auction_id}",
        status="ended",
        terms=live.terms,
        buyer_premium_bp=2_000,
        went_live_at=ended_at - timedelta(minutes=2),
        ended_at=ended_at,
    )
    lot = Lot.objects.create(
        auction=auction,
        number="1",
        position=1,
        title="Brass lamp with a shade of green glass",
        status="sold",
        opening_amount=1_000,
        increments=[[0, 500]],
        tax_rule=TaxRule.objects.create(organizer=organizer, name="VAT", rate_bp=1_900),
        shipping=ShippingProfile.objects.create(organizer=organizer, name="Box", first_item=590),
    )
    bidders = [
        Registration.objects.create(
            auction=auction, user=before.user, paddle=before.paddle, terms=live.terms, terms_accepted_at=ended_at
        )
        for before in Registration.objects.filter(auction=live).order_by("pk")
    ]
    run = LotRun.objects.create(
        lot=lot,
        auction=auction,
        status="sold",
        result="sold",
        reason="time",
        opened_at_ms=opened_at_ms,
        closed_at_ms=opened_at_ms + 90_000,
        closing_number=1,
        finalized_at=ended_at,
        hammer_amount=4_500,
        winner=bidders[0],
        bid_count=8,
    )
    for turn in range(8):
        Bid.objects.create(
            run=run,
            registration=bidders[(turn + 1) % 2],
            amount=1_000 + 500 * turn,
            v=turn + 2,
            offer_v=turn + 2,
            offer_s=0,
            at_ms=opened_at_ms + 9_000 * (turn + 1),
        )
    order = sale_finalize(sale=sale_record(run=run, buyer=bidders[0], hammer=4_500, closing_number=1))
    assert order is not None
    auction_invoice(auction=auction, ended_at=ended_at)
    user = bidders[0].user
    assert user is not None
    order_set_delivery(order=order, actor=user, pick_up=False, address="7 Chestnut Row\n10115 Berlin")
    return {"slug": auction.slug, "lot": lot.pk, "order": order.pk, "auction": auction.pk} | _kept_an_eye_on(
        live, auction, user
    )


def _kept_an_eye_on(live: Any, past: Any, user: Any) -> dict[str, Any]:
    """Plan another show, let somebody keep an eye on it, and tell them of each thing that there is to tell."""
    from datetime import timedelta

    from django.utils import timezone

    from accounts.models import Follow, MailKind
    from accounts.services import unsubscribe_token
    from auctions.models import Auction, Category, Lot, LotRun, LotWatch, Reminder
    from bidding.models import Notification
    from bidding.services import auction_schedule

    category, _created = Category.objects.get_or_create(name="Clocks", slug="clocks")
    coming = Auction.objects.create(
        organizer=live.organizer,
        title="Clocks of the north",
        slug=f"coming-{live.pk}",
        terms=live.terms,
        starts_at=timezone.now() + timedelta(days=2),
        # What follows is told here; the site's own clock has nothing to add.
        followers_told_at=timezone.now(),
    )
    lot = Lot.objects.create(
        auction=coming,
        number="1",
        position=1,
        title="Wall clock with a strike",
        category=category,
        opening_amount=8_000,
        increments=[[0, 500]],
    )
    # By the service, so that the ledger and the floor know it: else they would look for it in vain.
    auction_schedule(auction=coming, actor=live.created_by)
    Follow.objects.create(user=user, organizer=live.organizer)
    Reminder.objects.create(user=user, auction=coming, noted_at=timezone.now())
    LotWatch.objects.bulk_create([LotWatch(user=user, lot=lot), LotWatch(user=user, lot=past.lots.get())])
    told = {"user": user, "at_ms": round(timezone.now().timestamp() * 1_000) - 200_000}
    run = LotRun.objects.get(auction=past)
    Notification.objects.create(auction=past, kind="outbid", run=run, amount=4_000, **told)
    Notification.objects.create(auction=past, kind="won", amount=6_240, read_at=timezone.now(), **told)
    Notification.objects.create(auction=coming, kind="reminder", **told)
    Notification.objects.create(auction=coming, kind="scheduled", **told)
    return {
        "house": live.organizer.slug,
        "category": category.slug,
        "coming": coming.slug,
        "unsubscribe": unsubscribe_token(user, MailKind.WON),
    }


def _session(user: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    assert session.session_key
    return str(session.session_key)


def _stored(*, auction_id: int) -> dict[str, Any]:
    from auctions.models import Auction, LotRun
    from bidding.models import Bid, Event

    auction = Auction.objects.get(pk=auction_id)
    runs = LotRun.objects.filter(auction=auction).select_related("winner").order_by("pk")
    return {
        "status": auction.status,
        "is_final": auction.cleaned_at is not None,
        "events": list(
            Event.objects.filter(auction=auction).order_by("v", "s").values_list("v", "s", "kind", "public")
        ),
        "bids": list(
            Bid.objects.filter(run__auction=auction)
            .order_by("v", "pk")
            .values_list("v", "amount", "registration__paddle", "bid_id")
        ),
        "results": [
            {
                "lot": run.lot_id,
                "result": run.result,
                "amount": run.hammer_amount,
                "paddle": run.winner.paddle if run.winner else None,
            }
            for run in runs
        ],
    }


def _resume(*, lot_id: int) -> dict[str, Any]:
    from auctions.models import Lot
    from bidding.services import lot_resume

    lot_resume(lot=Lot.objects.get(pk=lot_id), actor=None)
    return {}


def main() -> None:
    """Do what the command line says and print its answer as one line of JSON."""
    import django

    django.setup()
    options = json.loads(sys.argv[2])
    what: dict[str, Callable[..., dict[str, Any]]] = {
        "stage": _stage,
        "past": _past,
        "stored": _stored,
        "resume": _resume,
    }
    print(json.dumps(what[sys.argv[1]](**options)))


if __name__ == "__main__":
    main()
