"""The board: who watches by its key and who does not, what a screen hears, and what it can never do."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

from auctions.boards import board_key, board_key_end, board_key_renew
from auctions.errors import Refused
from auctions.models import Auction, AuctionStatus, Visibility
from bidding import services
from bidding.protocol import CloseCode
from bidding.qr import qr_shape
from bidding.tests.conftest import Show
from bidding.tests.rooms import RoomServer, eventually, page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def closed(show: Show) -> Show:
    """Return an invite-only show whose board has a key, with its first lot open."""
    Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
    show.auction.refresh_from_db()
    board_key_renew(auction=show.auction, actor=show.host)
    services.lot_open(lot=show.lots[0], actor=show.host)
    show.store()
    return show


@pytest.fixture
def server(closed: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


def key_of(show: Show) -> str:
    show.auction.refresh_from_db()
    key = board_key(show.auction)
    assert key is not None
    return key


def board(show: Show) -> str:
    return reverse("board", args=(show.auction.slug,))


def watching(show: Show, key: str | None = None) -> str:
    return f"?board={key or key_of(show)}"


# --- The page ------------------------------------------------------------------------------------------


def test_the_key_opens_the_board_and_nothing_else(client: Client, closed: Show) -> None:
    key = {"key": key_of(closed)}
    assert client.get(board(closed)).status_code == 404

    opened = client.get(board(closed), key)

    assert opened.status_code == 200
    assert "Lot 1" in opened.content.decode()
    assert opened["Referrer-Policy"] == "no-referrer"
    assert "no-store" in opened["Cache-Control"]
    for path in (reverse("room", args=(closed.auction.slug,)), reverse("lot", args=(closed.lots[0].pk,))):
        assert client.get(path, key).status_code == 404, path
    assert client.get(f"/api/v1/auctions/{closed.auction.pk}/", key).status_code == 404


@pytest.mark.parametrize("key", ["", "0" * 64, "\N{SNOWMAN}", "x" * 5_000])
def test_no_other_key_opens_it(client: Client, closed: Show, key: str) -> None:
    assert client.get(board(closed), {"key": key}).status_code == 404
    client.force_login(closed.host)
    assert client.get(board(closed), {"key": key}).status_code == 404, "nor for somebody who needs none"


def test_an_auction_without_a_key_is_opened_by_none(client: Client, show: Show) -> None:
    assert client.get(board(show)).status_code == 200
    assert client.get(board(show), {"key": ""}).status_code == 404


def test_a_key_is_of_one_auction(client: Client, closed: Show) -> None:
    other = Auction.objects.create(
        organizer=closed.auction.organizer,
        title="Another",
        slug="another",
        status=AuctionStatus.SCHEDULED,
        visibility=Visibility.INVITE_ONLY,
        terms=closed.auction.terms,
        board_nonce=closed.auction.board_nonce,
    )
    assert client.get(reverse("board", args=(other.slug,)), {"key": key_of(closed)}).status_code == 404


def test_the_host_makes_a_link_renews_it_and_ends_it(client: Client, show: Show) -> None:
    client.force_login(show.host)
    host_page = reverse("host_auction", args=(show.auction.pk,))
    path = reverse("host_board", args=(show.auction.pk,))
    screen = Client()

    def link() -> str | None:
        found = re.search(rf'"(?:[^"]*)({board(show)}\?key=\w+)"', client.get(host_page).content.decode())
        return found and found[1]

    assert link() is None
    client.post(path, {"action": "renew"})
    first = link()
    assert first is not None
    assert screen.get(first).status_code == 200
    assert link() == first, "the host may come back for it"

    client.post(path, {"action": "renew"})
    second = link()
    assert second is not None
    assert (screen.get(first).status_code, screen.get(second).status_code) == (404, 200)

    client.post(path, {"action": "end"})
    assert link() is None
    assert screen.get(second).status_code == 404


def test_only_who_runs_the_show_has_its_key(client: Client, closed: Show) -> None:
    key, bidder = key_of(closed), closed.bidders[0].user
    assert bidder is not None
    client.force_login(bidder)
    assert client.post(reverse("host_board", args=(closed.auction.pk,)), {"action": "end"}).status_code == 404
    for path in (reverse("room", args=(closed.auction.slug,)), board(closed)):
        assert key not in client.get(path).content.decode()
    for change in (board_key_renew, board_key_end):
        with pytest.raises(Refused):
            change(auction=closed.auction, actor=bidder)
    assert key_of(closed) == key
    assert key not in str(Auction.objects.filter(pk=closed.auction.pk).values())


def test_an_archived_auction_has_no_board(client: Client, closed: Show) -> None:
    Auction.objects.filter(pk=closed.auction.pk).update(archived_at="2026-01-01T00:00Z")
    assert client.get(board(closed), {"key": key_of(closed)}).status_code == 404


def test_the_board_says_when_it_was_made(client: Client, closed: Show) -> None:
    text = client.get(board(closed), {"key": key_of(closed)}).content.decode()
    assert re.search(r"\b[01]:\d\d <span class=\"made\">left at \d\d:\d\d:\d\d</span>", text)
    assert '<noscript><meta http-equiv="refresh"' in text
    assert "style=" not in text


def test_the_code_is_the_text() -> None:
    text = "https://auction.example.test/auctions/friday-night/"
    code = QRCode(error_correction=ERROR_CORRECT_M)
    code.add_data(text)
    rows = code.get_matrix()

    shape = qr_shape(text)

    dark = {
        (int(x) + step, int(y))
        for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", shape.path)
        for step in range(int(width))
    }
    assert shape.size == len(rows)
    assert dark == {(x, y) for y, row in enumerate(rows) for x, is_dark in enumerate(row) if is_dark}


# --- The socket ----------------------------------------------------------------------------------------


def test_a_screen_hears_prices_and_no_chat(closed: Show, server: RoomServer) -> None:
    user = closed.bidders[0].user
    assert user is not None
    with page(server, closed.auction.pk, user=user) as bidder:
        bidder.until("STATE")
        bidder.ask("CHAT", "CHAT", text="Hi.")
    with page(server, closed.auction.pk, path="bid/", query=watching(closed)) as screen:
        state = screen.next()
        assert (state["type"], state["lot"]["number"]) == ("STATE", "1")
        assert "chat" not in state
        assert "chat_settings" not in state
        with page(server, closed.auction.pk, user=user) as bidder:
            bidder.until("STATE")
            bidder.send("BID", amount="10.00")
            bidder.until("BID_ACCEPTED")
        assert screen.until("HIGHEST_BID")["leader"] == {"paddle": closed.bidders[0].paddle}


def test_a_screen_may_only_watch_whoever_is_signed_in_there(closed: Show, server: RoomServer) -> None:
    user = closed.bidders[0].user
    with page(server, closed.auction.pk, user=user, path="bid/", query=watching(closed)) as screen:
        state = screen.next()
        assert (state["you"]["signed_in"], state["you"]["paddle"]) == (False, None)
        assert screen.ask("BID", "BID_REJECTED", amount="10.00")["code"] == "sign_in"
        assert screen.ask("CHAT", "ERROR", text="Hello.")["code"] == "wrong_namespace"
    assert not closed.lots[0].runs.get().bid_count


@pytest.mark.parametrize("path", ["", "chat/"])
def test_a_key_opens_no_socket_with_chat(closed: Show, server: RoomServer, path: str) -> None:
    with page(server, closed.auction.pk, path=path, query=watching(closed)) as screen:
        assert screen.close_code() == CloseCode.FORBIDDEN


@pytest.mark.parametrize("key", ["0" * 64, "%E2%98%83"])
def test_another_key_is_signed_out(closed: Show, server: RoomServer, key: str) -> None:
    with page(server, closed.auction.pk, path="bid/", query=watching(closed, key)) as screen:
        assert screen.close_code() == CloseCode.SIGNED_OUT


@pytest.mark.parametrize("change", [board_key_renew, board_key_end])
def test_a_screen_leaves_when_its_key_ends(
    closed: Show, server: RoomServer, change: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page(server, closed.auction.pk, path="bid/", query=watching(closed)) as screen:
        assert screen.next()["type"] == "STATE"
        assert callable(change)
        change(auction=closed.auction, actor=closed.host)
        assert screen.close_code() == CloseCode.SIGNED_OUT


def test_a_screen_stays_when_a_show_is_for_the_invited_alone(show: Show) -> None:
    board_key_renew(auction=show.auction, actor=show.host)
    with (
        RoomServer() as server,
        page(server, show.auction.pk, path="bid/", query=watching(show)) as screen,
        page(server, show.auction.pk) as anybody,
    ):
        assert screen.next()["type"] == anybody.next()["type"] == "STATE"
        Auction.objects.filter(pk=show.auction.pk).update(visibility=Visibility.INVITE_ONLY)
        assert anybody.close_code() == CloseCode.NOT_FOUND
        # What lets anybody go has looked at the screen too.
        eventually(lambda: len(server.hub._rooms[show.auction.pk]) == 1)
        assert screen.ask("PING", "PONG", t=1)["t"] == 1


def test_a_socket_without_chat_begins_without_it(show: Show) -> None:
    with RoomServer() as server:
        for path, talks in (("", True), ("chat/", True), ("bid/", False), ("timer/", False)):
            with page(server, show.auction.pk, path=path) as seat:
                assert ("chat" in seat.next()) is talks, path
