"""Socket tickets: one socket, one minute, and not longer than the sign-in behind them."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from auctions.models import Visibility
from bidding import protocol
from bidding.services import lot_open, tickets
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, page

URL = "/api/v1/socket-tickets/"


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def signed_in(show: Show) -> Client:
    """Return the browser of a bidder."""
    client = Client()
    client.force_login(user_of(show), backend="django.contrib.auth.backends.ModelBackend")
    return client


def user_of(show: Show) -> User:
    user = show.bidders[0].user
    assert user is not None
    return user


def ticket_of(client: Client) -> str:
    response = client.post(URL)
    assert response.status_code == 201, response.content
    assert response.json()["expires_in_s"] == 60
    return str(response.json()["ticket"])


def by_ticket(server: RoomServer, show: Show, ticket: str, **options: Any) -> Any:
    """Open a room as a program does: no cookie, no Origin."""
    return page(server, show.auction.pk, query=f"?ticket={ticket}", origin=None, **options)


def test_a_ticket_opens_one_socket_as_its_holder(show: Show, server: RoomServer, signed_in: Client) -> None:
    lot_open(lot=show.lots[0], actor=show.host)
    ticket = ticket_of(signed_in)
    with by_ticket(server, show, ticket) as theirs:
        assert theirs.next()["you"]["paddle"] == show.bidders[0].paddle
        assert theirs.ask("BID", "BID_ACCEPTED", amount="10.00")["standing"] == "leading"
        with by_ticket(server, show, ticket) as again:
            assert again.close_code() == protocol.CloseCode.SIGNED_OUT


def test_a_ticket_ends_with_its_minute(show: Show, server: RoomServer, signed_in: Client, side: redis.Redis) -> None:
    ticket = ticket_of(signed_in)
    keys: Any = side.keys("ticket:*")
    kept: Any = side.get(keys[0])
    assert 0 < side.ttl(keys[0]) <= 60
    assert ticket.encode() not in keys[0] + kept, "a secret is not kept as it is"
    (key,) = keys
    side.delete(key)
    with by_ticket(server, show, ticket) as late:
        assert late.close_code() == protocol.CloseCode.SIGNED_OUT


@pytest.mark.parametrize("ticket", ["x", "x" * 4_000, "%00", "%ff%fe", "../ticket"])
def test_what_is_no_ticket_opens_nothing(show: Show, server: RoomServer, ticket: str) -> None:
    with by_ticket(server, show, ticket) as nobody:
        assert nobody.close_code() == protocol.CloseCode.SIGNED_OUT


def end_session(show: Show) -> None:
    Session.objects.all().delete()


def change_password(show: Show) -> None:
    user = user_of(show)
    user.set_password("another-one")
    user.save()


def switch_off(show: Show) -> None:
    User.objects.filter(pk=user_of(show).pk).update(is_active=False)


@pytest.mark.parametrize("end", [end_session, change_password, switch_off])
def test_a_seat_by_ticket_ends_with_the_sign_in(show: Show, server: RoomServer, signed_in: Client, end: Any) -> None:
    unused = ticket_of(signed_in)
    with by_ticket(server, show, ticket_of(signed_in)) as silent:
        assert silent.next()["you"]["signed_in"]
        end(show)
        assert silent.close_code() == protocol.CloseCode.SIGNED_OUT
    with by_ticket(server, show, unused) as late:
        assert late.close_code() == protocol.CloseCode.SIGNED_OUT


def test_a_ticket_shows_nobody_what_they_may_not_see(show: Show, server: RoomServer) -> None:
    show.auction.visibility = Visibility.INVITE_ONLY
    show.auction.save(update_fields=["visibility"])
    stranger = Client()
    stranger.force_login(
        User.objects.create_user("stranger@example.test", "secret-enough"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    with by_ticket(server, show, ticket_of(stranger)) as theirs:
        assert theirs.close_code() == protocol.CloseCode.NOT_FOUND


@pytest.mark.django_db(transaction=True)
def test_who_may_not_have_a_ticket(client: Client) -> None:
    refused = client.post(URL)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(
        User.objects.create_user("anna@example.test", "secret-enough"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    refused = strict.post(URL)
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")


def test_tickets_have_a_rate(show: Show, signed_in: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tickets, "_AT_ONCE", 2)
    monkeypatch.setattr(tickets, "_REFILL_MS", 3_600_000)
    codes = [signed_in.post(URL).status_code for _ in range(3)]
    assert codes == [201, 201, 429]


def test_without_the_side_server_it_says_so(
    show: Show, server: RoomServer, signed_in: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> Any:
        raise redis.ConnectionError("gone")

    monkeypatch.setattr(tickets, "side", gone)
    refused = signed_in.post(URL)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    monkeypatch.setattr(tickets, "async_side", gone)
    with by_ticket(server, show, "x") as nobody:
        assert nobody.close_code() == protocol.CloseCode.NOT_NOW, "an outage is no sign-out"
