"""Start everything on free ports and drive one auction from its creation to its result, as outside clients.

Prints what it saw, line by line, and exits with 0 where all of it was right, else with 1. What it knows of the site is
what everybody knows: pages, REST and sockets. Only at the end it looks into Redis, to see that nothing was left.

python -m tests.smoke
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TypeVar

import redis

from auction_site.stack import CannotStart, Stack
from auction_site.supervisor import StartError
from paddle_client import AsyncClient, AsyncRoom, BidAccepted, BidRejected, PaddleError
from paddle_client import messages as m
from paddle_client.room import Messages

PASSWORD = "smoke-and-no-fire-7"
HOST = "host@example.test"
BIDDERS = ("ada@example.test", "bela@example.test")
PATIENCE_S = 30
"""How long it waits for something before it calls it lost."""
SHEET = {
    "title": "Smoke without fire",
    "description": "Two small lots, sold in half a minute.",
    "visibility": "public",
    "entry": "none",
    "currency_code": "EUR",
    "premium": "20",
    "time_zone": "Europe/Berlin",
    "auto_advance": "on",
    "gap": "1",
    "lot": ["0", "1"],
    "lot-0-title": "Brass bell",
    "lot-0-opening_amount": "100.00",
    "lot-0-increments": "auction_house",
    "lot-0-preset": "own",
    "lot-0-duration": "9",
    "lot-0-window": "5",
    "lot-0-extension": "4",
    "lot-0-extension_mode": "add",
    "lot-0-extension_cap": "1",
    "lot-1-title": "Box of keys without locks",
    "lot-1-opening_amount": "20.00",
    "lot-1-increments": "auction_house",
    "lot-1-preset": "sudden_death",
    "lot-1-duration": "2",
}

T = TypeVar("T", bound=m.Message)


class Wrong(Exception):
    """Something was not as it must be."""


class Report:
    """What was seen, and when."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line with the seconds since the start."""
        print(f"{time.monotonic() - self._began:6.1f} s  {line}", flush=True)

    def check(self, right: object, line: str) -> None:
        """Say what was right, or stop."""
        if not right:
            raise Wrong(line)
        self.say(f"ok  {line}")


class Audience:
    """Somebody without an account, who sees all that happens."""

    def __init__(self, messages: Messages) -> None:
        self.seen: list[m.AnyMessage] = []
        self._messages = messages

    async def watch(self) -> None:
        """Collect what the room says."""
        async for message in self._messages:
            self.seen.append(message)

    def of(self, kind: type[T]) -> list[T]:
        """Return the messages of one kind, in order."""
        return [message for message in self.seen if isinstance(message, kind)]


def main() -> int:
    """Run it all and return the exit code."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="auction-smoke-") as folder:
        stack = Stack(Path(folder), environment={"DJANGO_SUPERUSER_PASSWORD": PASSWORD})
        try:
            with stack:
                report.say(f"everything runs at {stack.url}")
                stack.manage("createsuperuser", "--no-input", "--email", HOST)
                asyncio.run(drive(stack, report))
        except (Wrong, PaddleError, TimeoutError, CannotStart, StartError) as error:
            report.say(f"WRONG  {type(error).__name__}: {error}")
            log = Path(folder) / "stack.log"
            if log.exists():
                print("\n".join(log.read_text(errors="replace").splitlines()[-60:]))
            return 1
    report.say("all was right, and everything has stopped")
    return 0


async def drive(stack: Stack, report: Report) -> None:
    """Create the auction, run it with two bidders and an audience, and look at what is left."""
    host, visitor = AsyncClient(stack.url), AsyncClient(stack.url)
    auction_id = await create(host, report)
    bidders = [AsyncClient(stack.url) for _ in BIDDERS]
    for client, email in zip(bidders, BIDDERS, strict=True):
        await client.sign_up(email, PASSWORD)
        registration = await client.register(auction_id)
        report.say(f"{email} signed up and is paddle {registration.paddle}")
    async with (
        visitor.room(auction_id) as gallery,
        bidders[0].room(auction_id) as ada,
        bidders[1].room(auction_id) as bela,
    ):
        audience = Audience(gallery.messages())
        watching = asyncio.create_task(audience.watch())
        state = gallery.state
        report.check(
            state.auction and state.auction.status == "scheduled", f"the first message is STATE: {state.auction}"
        )
        report.check(not state.you.can_bid and state.you.reason == "sign_in", "a visitor may watch and not bid")
        await step(host, auction_id, "live")
        answers = await bid_on_the_bell(ada, bela, report)
        await see_the_rest(audience, gallery, bela, answers, report)
        watching.cancel()
    await see_the_result(stack, visitor, auction_id, audience, answers, report)


# --- The host ----------------------------------------------------------------------------------------


async def create(host: AsyncClient, report: Report) -> int:
    """Sign in as host, send in the form, schedule; return the auction's id."""
    await host.sign_in(HOST, PASSWORD)
    answer = await asyncio.to_thread(host.session.post_form, "/host/auctions/new/", SHEET)
    if answer.status != 302:
        raise Wrong(f"the form was answered with {answer.status}: {answer.text[:2000]}")
    auction_id = int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1])
    report.say(f"the host sent in the form: auction {auction_id}")
    await step(host, auction_id, "schedule")
    listed = await AsyncClient(host.session.origin).auctions(status="scheduled")
    report.check([auction.id for auction in listed] == [auction_id], "it is scheduled, and REST lists it to everybody")
    return auction_id


async def step(host: AsyncClient, auction_id: int, name: str) -> None:
    """Press one of the host's buttons."""
    page = f"/host/auctions/{auction_id}/"
    answer = await asyncio.to_thread(host.session.post_form, f"{page}{name}/", {}, page=page)
    if answer.status != 302:
        raise Wrong(f"{name} was answered with {answer.status}")


# --- The show ----------------------------------------------------------------------------------------


async def bid_on_the_bell(ada: AsyncRoom, bela: AsyncRoom, report: Report) -> list[BidAccepted]:
    """Bid against each other until the lot is sold; return the answers of the bids that counted."""
    await ada.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
    await bela.until(lambda state: state.open_lot is not None, timeout=PATIENCE_S)
    lot = ada.state.open_lot
    assert lot is not None
    report.check(ada.state.auction and ada.state.auction.status == "live", f"live: lot {lot.number}, {lot.title}")
    heard = ada.messages()

    first = await accepted(ada, lot.minimum_amount, report)
    again = await ada.bid(first.amount, bid_id=first.id)
    report.check(
        isinstance(again, BidAccepted) and again.v == first.v, f"the same id gets the same answer again: v {first.v}"
    )
    refused = await bela.bid(first.amount)
    report.check(
        isinstance(refused, BidRejected) and refused.code == "too_low",
        f"an equal bid is refused: {getattr(refused, 'message', refused)}",
    )
    assert isinstance(refused, BidRejected)
    second = await accepted(bela, str(refused.minimum_amount), report)
    outbid = await next_of(heard, m.Outbid)
    report.check(outbid.amount == second.amount, f"the other one hears it: outbid at {outbid.amount}")
    await ada.until(lambda state: not state.leads and state.v >= second.v, timeout=PATIENCE_S)

    await bela.say("Lovely bell. <b>Ring it?</b>")
    said = await next_of(heard, m.Chat)
    report.check(said.line.text == "Lovely bell. <b>Ring it?</b>", f"{said.line.author} in chat: {said.line.text}")

    late = await bid_late(ada, report)
    return [first, second, late]


async def bid_late(room: AsyncRoom, report: Report) -> BidAccepted:
    """Bid when the end is near, and see it move."""
    lot = room.state.open_lot
    assert lot is not None
    assert lot.ends_at_ms is not None
    now = room.clock.now_ms()
    assert now is not None
    # Waits for the window, and not for a result: this is the script of the show.
    await asyncio.sleep(max(0.0, (lot.ends_at_ms - lot.window_ms - now) / 1000 + 0.5))
    late = await accepted(room, (room.state.lot or lot).minimum_amount, report)
    await room.until(lambda state: state.lot is not None and state.lot.extensions.used == 1, timeout=PATIENCE_S)
    moved = (room.state.lot.ends_at_ms or 0) - lot.ends_at_ms if room.state.lot else 0
    report.check(moved == lot.extension_ms, f"a late bid moved the end by {moved / 1000:g} s")
    return late


async def accepted(room: AsyncRoom, amount: str, report: Report) -> BidAccepted:
    """Bid, and expect that it counts and leads."""
    answer = await room.bid(amount)
    if not isinstance(answer, BidAccepted) or answer.standing != "leading":
        raise Wrong(f"a bid of {amount} was answered: {answer}")
    report.say(f"paddle {room.state.you.paddle} bids {answer.amount}: {answer.standing}, v {answer.v}")
    return answer


async def next_of(messages: Messages, kind: type[T]) -> T:
    """Return the next message of a kind."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in messages:
            if isinstance(message, kind):
                return message
    raise Wrong(f"the room ended without {kind.__name__}")


async def see_the_rest(
    audience: Audience, gallery: AsyncRoom, bela: AsyncRoom, answers: list[BidAccepted], report: Report
) -> None:
    """Watch both lots close by themselves, and the show end."""
    await gallery.until(lambda state: state.lot is not None and state.lot.result is not None, timeout=PATIENCE_S)
    sold = audience.of(m.LotClosed)[0]
    ends_at_ms = gallery.state.lot.ends_at_ms if gallery.state.lot else None
    assert ends_at_ms is not None
    report.check(
        (sold.result, sold.reason, sold.amount) == ("sold", "time", answers[-1].amount),
        f"the lot is sold at {sold.amount} to paddle {sold.winner.paddle if sold.winner else '?'}",
    )
    report.check(
        0 <= sold.at_ms - ends_at_ms < PATIENCE_S * 1000,
        f"it closed {sold.at_ms - ends_at_ms} ms after its end by the server's clock",
    )
    too_late = await bela.bid("500.00", lot=sold.lot)
    report.check(
        isinstance(too_late, BidRejected) and too_late.code in ("too_late", "not_open", "wrong_lot"),
        f"a bid after it is refused: {getattr(too_late, 'message', too_late)}",
    )
    await gallery.until(lambda state: state.is_over, timeout=PATIENCE_S)
    passed = audience.of(m.LotClosed)[1]
    report.check(
        (passed.result, passed.reason) == ("passed", "no_bids"),
        "the next lot opened by itself, nobody bid, and it passed; then the show ended by itself",
    )
    kinds = Counter(type(message).__name__ for message in audience.seen)
    report.check(kinds["Timer"] >= 2, f"the audience heard {dict(kinds)}")
    versions = [event.v for event in audience.of(m.Event)]
    report.check(
        versions == sorted(set(versions)) and gallery.connections == 1, f"versions rose to {versions[-1]} without a gap"
    )


# --- What is left ------------------------------------------------------------------------------------


async def see_the_result(
    stack: Stack,
    visitor: AsyncClient,
    auction_id: int,
    audience: Audience,
    answers: list[BidAccepted],
    report: Report,
) -> None:
    """Compare REST, pages, a late visitor's room and Redis with what the room said."""
    sold = audience.of(m.LotClosed)[0]
    assert sold.winner is not None
    deadline = time.monotonic() + PATIENCE_S
    auction = await visitor.auction(auction_id)
    # The ledger writes results when they are final, after the room has heard of them.
    while auction.status != "ended" or any(lot.result is None or lot.result.provisional for lot in auction.lots):
        if time.monotonic() > deadline:
            raise Wrong(f"REST does not show the result: {auction.status}, {[lot.result for lot in auction.lots]}")
        await asyncio.sleep(0.2)
        auction = await visitor.auction(auction_id)
    result = auction.lots[0].result
    assert result is not None
    report.check(
        (result.result, result.amount, result.paddle) == ("sold", sold.amount, sold.winner.paddle),
        f"REST has the result: {result.amount} by paddle {result.paddle}, final",
    )
    bids = await visitor.bids(sold.lot)
    report.check(
        [(bid["v"], bid["amount"]) for bid in reversed(bids)] == [(answer.v, answer.amount) for answer in answers],
        f"its {len(bids)} stored bids are the answers that the bidders got",
    )
    for path in (f"/lots/{sold.lot}/", f"/auctions/{auction.slug}/"):
        page = await asyncio.to_thread(visitor.session.get, path)
        whole = str(sold.amount).removesuffix(".00")
        report.check(
            page.status == 200 and whole in page.text and str(sold.winner.paddle) in page.text,
            f"the page {path} shows it",
        )
    await see_redis_clean(stack, auction_id, report)
    async with visitor.room(auction_id) as late:
        state = late.state
        report.check(state.is_over, "who comes now hears that it is over")
        stream = state.auction.stream if state.auction else None
        report.check(stream is not None and stream.state == "ended", "the stream has ended")
    ada = AsyncClient(stack.url)
    await ada.sign_in(BIDDERS[0], PASSWORD)
    async with ada.room(auction_id) as room:
        answer = await room.bid("500.00", lot=sold.lot)
        report.check(isinstance(answer, BidRejected) and answer.code == "not_open", f"a bid now: {answer.code}")


async def see_redis_clean(stack: Stack, auction_id: int, report: Report) -> None:
    """Wait until only the tombstone is left of the auction."""
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as floor:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            keys = sorted(key.decode().rpartition(":")[2] for key in floor.scan_iter(f"{{auction:{auction_id}}}:*"))
            if keys == ["tombstone"]:
                break
            if time.monotonic() > deadline:
                raise Wrong(f"Redis still holds {keys}")
            await asyncio.sleep(0.2)
    report.check(True, "Redis holds nothing of it but the tombstone")


if __name__ == "__main__":
    sys.exit(main())
