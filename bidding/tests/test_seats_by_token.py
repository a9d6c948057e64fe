"""Rooms for programs: an access token in the handshake, and how long a seat lasts that came by one."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from websockets.exceptions import InvalidStatus

from accounts.cognito.services import token_revoke, user_of_sub
from accounts.models import User
from auctions.models import Visibility
from bidding import protocol
from bidding.services import lot_open, registration_create
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, cookie_of, page
from paddle_client import AsyncClient
from paddle_client.http import Session as ClientSession
from tests.pools import KeyServer, Signer

SUB = "f3a1-somebody"
TICKETS = "/api/v1/socket-tickets/"


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def bidder(show: Show, key_server: KeyServer) -> User:
    """Return somebody of the pool who has a paddle."""
    user = user_of_sub(SUB)
    registration_create(auction=show.auction, user=user, accept_terms=True)
    return user


def by_token(server: RoomServer, show: Show, token: str, **options: Any) -> Any:
    """Open a room as a program does: no cookie, no Origin."""
    headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
    return page(server, show.auction.pk, **{"origin": None} | options, additional_headers=headers)


def test_a_token_opens_a_seat_that_bids(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    with by_token(server, show, signer.token()) as theirs:
        state = theirs.next()
        assert (state["you"]["signed_in"], state["you"]["can_bid"]) == (True, True)
        assert theirs.ask("BID", "BID_ACCEPTED", amount="10.00")["standing"] == "leading"


@pytest.mark.usefixtures("bidder")
async def test_the_python_client_takes_a_token(show: Show, server: RoomServer, signer: Signer) -> None:
    session = ClientSession(f"http://127.0.0.1:{server.port}", token=signer.token())
    session.origin = server.origin  # what the site calls itself is another address than where it listens here
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientSession, "socket_origin", f"ws://127.0.0.1:{server.port}")
        async with AsyncClient(server.origin, session=session).room(show.auction.pk) as room:
            assert room.state.you.can_bid


def test_what_does_not_count_opens_nothing(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    bad = [
        "",
        "nonsense",
        signer.token(token_use="id"),
        signer.token(exp=int(time.time()) - 1),
        Signer().token(),
        f"{signer.token()},{signer.token()}",
        "x" * 8_000,
    ]
    for token in bad:
        with by_token(server, show, token) as nobody:
            assert nobody.close_code() == protocol.CloseCode.SIGNED_OUT


def test_two_tokens_are_none(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    headers = [("Authorization", f"Bearer {signer.token()}")] * 2
    with page(server, show.auction.pk, origin=None, additional_headers=headers) as nobody:
        assert nobody.close_code() == protocol.CloseCode.SIGNED_OUT


def test_another_kind_of_authorization_is_nobody_in_particular(show: Show, server: RoomServer) -> None:
    headers = {"Authorization": "Basic YTpi"}
    with page(server, show.auction.pk, origin=None, additional_headers=headers) as nobody:
        assert not nobody.next()["you"]["signed_in"]


def test_a_token_never_counts_in_an_address(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    for name in ("token", "access_token", "bearer", "jwt"):
        with page(server, show.auction.pk, origin=None, query=f"?{name}={signer.token()}") as nobody:
            assert not nobody.next()["you"]["signed_in"]
    with page(server, show.auction.pk, origin=None, query=f"?ticket={signer.token()}") as nobody:
        assert nobody.close_code() == protocol.CloseCode.SIGNED_OUT


def test_the_rule_of_origins_holds_for_tokens_too(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    cookie = {"Cookie": cookie_of(bidder)}
    refused: list[dict[str, Any]] = [
        {"headers": {"Origin": "https://evil.test"}},
        {"headers": {"Origin": "null"}},
        {"headers": cookie},
    ]
    for options in refused:
        with pytest.raises(InvalidStatus), by_token(server, show, signer.token(), **options):
            pytest.fail(f"{options} was let in")
    with by_token(server, show, signer.token(), origin=server.origin, headers=cookie) as theirs:
        assert theirs.next()["you"]["signed_in"]


def test_a_token_shows_nobody_what_they_may_not_see(
    show: Show, server: RoomServer, bidder: User, signer: Signer
) -> None:
    show.auction.visibility = Visibility.INVITE_ONLY
    show.auction.save(update_fields=["visibility"])
    with by_token(server, show, signer.token(sub="stranger")) as theirs:
        assert theirs.close_code() == protocol.CloseCode.NOT_FOUND


# --- How a seat ends -----------------------------------------------------------------------------------


def revoke(user: User) -> None:
    token_revoke(token_id="7d3c-one-token", expires_at=int(time.time()) + 3600)


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [revoke, switch_off])
def test_a_seat_ends_with_what_it_rests_on(
    show: Show, server: RoomServer, bidder: User, signer: Signer, end: Callable[[User], None]
) -> None:
    with by_token(server, show, signer.token()) as silent, page(server, show.auction.pk) as nobody:
        assert silent.next()["you"]["signed_in"]
        end(bidder)
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT
        assert nobody.ask("PING", "PONG", t=1)["type"] == "PONG"


def test_a_seat_ends_when_its_token_runs_out(show: Show, server: RoomServer, bidder: User, signer: Signer) -> None:
    exp = int(time.time()) + 3
    with by_token(server, show, signer.token(exp=exp)) as silent, by_token(server, show, signer.token()) as longer:
        assert silent.next()["you"]["signed_in"]
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT
        assert time.time() >= exp
        assert longer.ask("PING", "PONG", t=1)["type"] == "PONG"


def test_a_seat_by_ticket_ends_when_the_token_behind_it_does(
    show: Show, server: RoomServer, bidder: User, signer: Signer
) -> None:
    headers = {"Authorization": f"Bearer {signer.token()}"}
    tickets = [Client().post(TICKETS, headers=headers).json()["ticket"] for _ in range(2)]
    with page(server, show.auction.pk, query=f"?ticket={tickets[0]}", origin=None) as silent:
        assert silent.next()["you"]["paddle"]
        assert Client().delete("/api/v1/token/", headers=headers).status_code == 204
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT
    with page(server, show.auction.pk, query=f"?ticket={tickets[1]}", origin=None) as late:
        assert late.close_code() == protocol.CloseCode.SIGNED_OUT


def test_a_ticket_ends_with_the_token_that_asked_for_it(
    show: Show, server: RoomServer, bidder: User, signer: Signer
) -> None:
    exp = int(time.time()) + 2
    headers = {"Authorization": f"Bearer {signer.token(exp=exp)}"}
    ticket = Client().post(TICKETS, headers=headers).json()["ticket"]
    time.sleep(max(0, exp - time.time()) + 0.1)
    with page(server, show.auction.pk, query=f"?ticket={ticket}", origin=None) as late:
        assert late.close_code() == protocol.CloseCode.SIGNED_OUT


def test_a_seat_by_a_token_of_the_site_ends_with_its_session(show: Show, server: RoomServer) -> None:
    anna = show.bidders[0].user
    assert anna is not None
    anna.set_password("secret-enough")
    anna.save()
    body = {"email": anna.email, "password": "secret-enough"}
    token = Client().post("/api/auth/app/v1/auth/login", body, "application/json").json()["meta"]["access_token"]
    with by_token(server, show, token) as silent:
        assert silent.next()["you"]["paddle"] == show.bidders[0].paddle
        Session.objects.all().delete()
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT


def test_without_the_pools_keys_nobody_comes_in(
    show: Show, server: RoomServer, bidder: User, signer: Signer, key_server: KeyServer
) -> None:
    key_server.broken = b"<html>"
    with by_token(server, show, signer.token()) as nobody:
        assert nobody.close_code() == protocol.CloseCode.SIGNED_OUT
