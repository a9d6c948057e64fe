"""The client for asyncio.

Owns what can be asked of the site; HTTP runs in threads, rooms run on the event loop.
"""

import asyncio
from typing import Any

from paddle_client.http import Session, Token
from paddle_client.models import Auction, Registration
from paddle_client.room import CONNECT_TIMEOUT_S, AsyncRoom, Backoff


class AsyncClient:
    """One visitor of one site: `async with AsyncClient("https://auctions.example") as client: …`."""

    def __init__(self, url: str, *, session: Session | None = None, token: Token | None = None) -> None:
        """Begin as a visitor who is not signed in, with a session that exists, or with an access token.

        A token that can run out is given as a function: it is called for each request and each connection.
        """
        self.session = session or Session(url, token=token)

    async def __aenter__(self) -> "AsyncClient":
        """Return itself; nothing is sent yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave; the session stays valid until `sign_out`."""

    async def sign_in(self, email: str, password: str) -> None:
        """Sign in; raises SignInFailed, RateLimited or SiteUnreachable."""
        await asyncio.to_thread(self.session.sign_in, email, password)

    async def sign_up(self, email: str, password: str) -> None:
        """Make an account; raises SignInFailed, RateLimited or SiteUnreachable."""
        await asyncio.to_thread(self.session.sign_up, email, password)

    async def sign_out(self) -> None:
        """End the session."""
        await asyncio.to_thread(self.session.sign_out)

    async def auctions(self, *, status: str | None = None) -> list[Auction]:
        """Return the auctions that this visitor can find, of one status (`live`, `scheduled`, `ended`) or all."""
        return await asyncio.to_thread(read_auctions, self.session, status)

    async def auction(self, auction_id: int) -> Auction:
        """Return one auction with its lots; raises NotFound."""
        return await asyncio.to_thread(read_auction, self.session, auction_id)

    async def bids(self, lot_id: int) -> list[dict[str, Any]]:
        """Return the bid history of a lot as plain values."""
        return await asyncio.to_thread(read_bids, self.session, lot_id)

    async def register(self, auction_id: int, *, accept_terms: bool = True) -> Registration:
        """Get a paddle, or the one that this account has already; raises NotAllowed or SiteError."""
        return await asyncio.to_thread(create_registration, self.session, auction_id, accept_terms)

    def room(
        self,
        auction_id: int,
        *,
        namespace: str | None = None,
        backoff: Backoff | None = None,
        connect_timeout: float = CONNECT_TIMEOUT_S,
    ) -> AsyncRoom:
        """Return a seat in an auction's room, to be entered with `async with`."""
        return AsyncRoom(
            self.session, auction_id, namespace=namespace, backoff=backoff, connect_timeout=connect_timeout
        )


def read_auctions(session: Session, status: str | None) -> list[Auction]:
    """Return all pages of the list of auctions."""
    return [
        Auction.parse(value) for value in _pages(session, "/api/v1/auctions/", {"status": status} if status else {})
    ]


def read_auction(session: Session, auction_id: int) -> Auction:
    """Return one auction."""
    return Auction.parse(session.get_json(f"/api/v1/auctions/{auction_id}/"))


def read_bids(session: Session, lot_id: int) -> list[dict[str, Any]]:
    """Return all pages of a lot's bid history."""
    return _pages(session, f"/api/v1/lots/{lot_id}/bids/", {})


def create_registration(session: Session, auction_id: int, accept_terms: bool) -> Registration:
    """Register for a paddle."""
    value = session.post_json(f"/api/v1/auctions/{auction_id}/registrations/", {"accept_terms": accept_terms})
    return Registration.parse(value)


def _pages(session: Session, path: str, query: dict[str, str]) -> list[dict[str, Any]]:
    """Return what a list holds, whether it comes whole or in pages."""
    answer = session.get_json(path, query)
    found: list[dict[str, Any]] = []
    while isinstance(answer, dict):
        found += answer.get("results", [])
        following = answer.get("next")
        if not following:
            return found
        answer = session.get_json(following)
    return found + list(answer)
