"""The client without `await`: the same seats, run by an event loop on a thread of its own.

Owns the bridge between the two and adds nothing: what a seat does is in `room`.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from decimal import Decimal
from types import TracebackType
from typing import Any, Self, TypeVar

from paddle_client import asynchronous as calls
from paddle_client import messages as m
from paddle_client.clock import ServerClock
from paddle_client.http import Session, Token
from paddle_client.models import Auction, Registration
from paddle_client.room import ANSWER_TIMEOUT_S, BID_VALID_MS, CONNECT_TIMEOUT_S, AsyncRoom, Backoff, Messages
from paddle_client.state import RoomState

_T = TypeVar("_T")


class _Loop:
    """An event loop on a daemon thread, started when it is first needed."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def do(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine there, wait for it, and return what it returns."""
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            self._thread = threading.Thread(target=self._loop.run_forever, name="paddle-client", daemon=True)
            self._thread.start()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and its thread."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None


class Client:
    """One visitor of one site: `with Client("https://auctions.example") as client: …`."""

    def __init__(self, url: str, *, session: Session | None = None, token: Token | None = None) -> None:
        """Begin as a visitor who is not signed in, with a session that exists, or with an access token.

        A token that can run out is given as a function: it is called for each request and each connection.
        """
        self.session = session or Session(url, token=token)
        self._loop = _Loop()

    def __enter__(self) -> Self:
        """Return itself; nothing is sent yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what this client runs; the session stays valid until `sign_out`."""
        self._loop.close()

    def sign_in(self, email: str, password: str) -> None:
        """Sign in; raises SignInFailed, RateLimited or SiteUnreachable."""
        self.session.sign_in(email, password)

    def sign_up(self, email: str, password: str) -> None:
        """Make an account; raises SignInFailed, RateLimited or SiteUnreachable."""
        self.session.sign_up(email, password)

    def sign_out(self) -> None:
        """End the session."""
        self.session.sign_out()

    def auctions(self, *, status: str | None = None) -> list[Auction]:
        """Return the auctions that this visitor can find, of one status (`live`, `scheduled`, `ended`) or all."""
        return calls.read_auctions(self.session, status)

    def auction(self, auction_id: int) -> Auction:
        """Return one auction with its lots; raises NotFound."""
        return calls.read_auction(self.session, auction_id)

    def bids(self, lot_id: int) -> list[dict[str, Any]]:
        """Return the bid history of a lot as plain values."""
        return calls.read_bids(self.session, lot_id)

    def register(self, auction_id: int, *, accept_terms: bool = True) -> Registration:
        """Get a paddle, or the one that this account has already; raises NotAllowed or SiteError."""
        return calls.create_registration(self.session, auction_id, accept_terms)

    def room(
        self,
        auction_id: int,
        *,
        namespace: str | None = None,
        backoff: Backoff | None = None,
        connect_timeout: float = CONNECT_TIMEOUT_S,
    ) -> "Room":
        """Return a seat in an auction's room, to be entered with `with`."""
        seat = AsyncRoom(
            self.session, auction_id, namespace=namespace, backoff=backoff, connect_timeout=connect_timeout
        )
        return Room(seat, self._loop)


class Room:
    """One auction's room; see AsyncRoom, whose methods these are."""

    def __init__(self, seat: AsyncRoom, loop: _Loop) -> None:
        self._seat = seat
        self._loop = loop

    def __enter__(self) -> Self:
        """Connect, and wait for the first state; raises RoomClosed or CannotConnect."""
        self._loop.do(self._seat.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the room."""
        self._loop.do(self._seat.close())

    @property
    def state(self) -> RoomState:
        """Return the newest known state; it goes on changing."""
        return self._seat.state

    @property
    def clock(self) -> ServerClock:
        """Return the server's clock."""
        return self._seat.clock

    @property
    def connected(self) -> bool:
        """Tell whether there is a connection on which the state has caught up."""
        return self._seat.connected

    @property
    def connections(self) -> int:
        """Return how many times the room has let this seat in."""
        return self._seat.connections

    def messages(self) -> Iterator[m.AnyMessage]:
        """Return an iteration over the messages that arrive from now on."""

        async def subscribe() -> Messages:
            return self._seat.messages()

        return self._iterate(self._loop.do(subscribe()))

    def __iter__(self) -> Iterator[m.AnyMessage]:
        """Iterate over the messages that arrive from now on."""
        return self.messages()

    def until(self, holds: Callable[[RoomState], bool], *, timeout: float | None = None) -> None:
        """Wait until `holds(state)` is true; raises TimeoutError or RoomClosed."""
        self._loop.do(self._seat.until(holds, timeout=timeout))

    def bid(
        self,
        amount: str | int | Decimal,
        *,
        lot: int | None = None,
        maximum: bool = False,
        confirm: str | None = None,
        bid_id: str | None = None,
        valid_for_ms: int = BID_VALID_MS,
        timeout: float = ANSWER_TIMEOUT_S,
    ) -> m.BidAccepted | m.BidRejected:
        """Bid and return the answer; raises BidUnresolved or RoomClosed."""
        return self._loop.do(
            self._seat.bid(
                amount,
                lot=lot,
                maximum=maximum,
                confirm=confirm,
                bid_id=bid_id,
                valid_for_ms=valid_for_ms,
                timeout=timeout,
            )
        )

    def bid_status(self, bid_id: str, *, timeout: float = ANSWER_TIMEOUT_S) -> m.BidAccepted | m.BidRejected | None:
        """Return what became of a bid, or None where the room never decided it."""
        return self._loop.do(self._seat.bid_status(bid_id, timeout=timeout))

    def say(self, text: str) -> str:
        """Say something in the chat and return its id; raises ConnectionError without a connection."""
        return self._loop.do(self._seat.say(text))

    def _iterate(self, messages: Messages) -> Iterator[m.AnyMessage]:
        while (message := self._loop.do(_next(messages))) is not None:
            yield message


async def _next(messages: Messages) -> m.AnyMessage | None:
    """Return the next message; None at the end, because a coroutine may not raise StopAsyncIteration to its caller."""
    return await anext(messages, None)
