"""What no browser sends: every address answers it with a refusal, and never with an error of ours.

The test client raises what a view raises.
"""

import socket
from base64 import b64encode
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from auction_site.asgi import OwnCharset
from auction_site.bodies import MANY_PICTURES, MOST_BYTES, ONE_PICTURE, BodyLimit
from bidding.room.entrance import cookie

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("floor", "side")]

DEEP = "[" * 100_000


def check_problem(response, status, code):
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == code


@pytest.mark.parametrize("position", ["abc", "\x00", "9" * 30, "-1", ""])
@pytest.mark.parametrize("reverse_", ["", "r=1&"])
def test_a_cursor_that_somebody_made_up_is_a_problem(client, live_auction, position, reverse_):
    cursor = b64encode(f"{reverse_}p={position}".encode()).decode()
    for path in ("/api/v1/auctions/", f"/api/v1/lots/{live_auction.lots.first().pk}/bids/"):
        response = client.get(path, {"cursor": cursor})
        assert response.status_code in (200, 404)
        if position == "abc":
            check_problem(response, 404, "not_found")


def test_json_that_is_nested_without_end_is_a_problem(client, live_auction, bidder):
    client.force_login(bidder)
    path = f"/api/v1/auctions/{live_auction.pk}/registrations/"
    check_problem(client.post(path, DEEP, content_type="application/json"), 400, "bad_json")


async def status_of(content_type):
    """Return the status that a request of this type is answered with; 200 where it reaches the site."""
    sent = []

    async def site(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})

    async def send(message):
        sent.append(message)

    await OwnCharset(site)({"headers": [(b"host", b"x"), (b"content-type", content_type.encode())]}, None, send)
    return sent[0]["status"]


@pytest.mark.parametrize(
    "content_type",
    [
        *(f"text/html; charset={charset}" for charset in ("zlib", "rot13", "base64", "idna", "utf-16", "cp500")),
        "text/html; name*=x''%ff",
    ],
)
async def test_another_charset_than_ours_is_refused_before_django_reads_in_it(content_type):
    assert await status_of(content_type) == 400


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", '"utf-8"', "no-such-charset", "x" * 5_000, ""])
async def test_what_means_our_charset_or_nothing_is_read(charset):
    assert await status_of(f"text/html; charset={charset}") == 200


def test_a_zero_byte_is_refused_before_a_database_sees_it(client, bidder, staff):
    """PostgreSQL raises where SQLite finds nothing."""
    client.force_login(bidder)
    check_problem(client.get("/api/v1/bids/12345678%00/"), 400, "bad_request")
    check_problem(client.get("/api/v1/auctions/?status=%00"), 400, "bad_request")
    assert client.get("/?paddle=%00").status_code == 400
    client.force_login(staff)
    assert client.get(reverse("admin:auctions_auction_changelist"), {"q": "\x00"}).status_code == 400
    assert client.get("/", headers={"cookie": 'sessionid="aaaaaaaaaaaa\\000"'}).status_code == 400


def test_a_cookie_with_a_zero_byte_opens_no_session_in_a_room():
    assert cookie([(b"cookie", b'sessionid="aaaaaaaaaaaa\\000"')], "sessionid") is None


def test_a_picture_with_an_endless_name_is_not_found(client):
    for path in ("a" * 300, "b/" * 3_000):
        assert client.get(f"/media/{path}").status_code == 404


def test_an_address_of_the_api_that_does_not_exist_is_a_problem(client):
    check_problem(client.get("/api/v1/nothing/"), 404, "not_found")
    page = client.get("/nothing/")
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_the_pages_answer_a_look_at_their_headers(client, live_auction):
    """Monitors, link previews and `curl -I` ask with HEAD."""
    lot = live_auction.lots.first()
    for path in ("/", reverse("room", args=(live_auction.slug,)), reverse("lot", args=(lot.pk,))):
        assert client.head(path).status_code == 200


def test_who_had_to_sign_in_to_bid_comes_back_to_the_room(client, live_auction, bidder):
    path = reverse("bid", args=(live_auction.slug,))
    sign_in = client.post(path, {"amount": "100.00"})
    assert sign_in.url == f"{reverse('account_login')}?next={path}"
    client.force_login(bidder)
    assert client.get(path).url == reverse("room", args=(live_auction.slug,))


def test_who_had_to_sign_in_to_run_a_show_comes_back_to_it(client, live_auction, host, bidder):
    path = reverse("host_step", args=(live_auction.pk, "end"))
    client.force_login(host)
    assert client.get(path).url == reverse("host_auction", args=(live_auction.pk,))
    client.force_login(bidder)
    assert client.get(path).status_code == 404


# --- Too long ------------------------------------------------------------------------------------------


class Sender:
    """Somebody who sends a body in pieces of a kilobyte, and a site that keeps all of it before it answers."""

    def __init__(self, length, *, tells, path="/nowhere", session=False):
        self.left, self.kept, self.sent = length, 0, []
        headers = [(b"host", b"x")]
        if tells:
            headers.append((b"content-length", str(length).encode()))
        if session:
            headers.append((b"cookie", b"sessionid=whatever"))
        self.scope = {"type": "http", "path": path, "headers": headers}

    async def receive(self):
        size = min(1024, self.left)
        self.left -= size
        return {"type": "http.request", "body": b"x" * size, "more_body": self.left > 0}

    async def send(self, message):
        self.sent.append(message)

    async def site(self, scope, receive, send):
        while (message := await receive())["type"] == "http.request":
            self.kept += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return

    async def status(self):
        await BodyLimit(self.site)(self.scope, self.receive, self.send)
        return self.sent[0]["status"]


@pytest.mark.parametrize(
    ("path", "session", "most"),
    [
        ("/nowhere", False, MOST_BYTES),
        ("/api/v1/auctions/", True, MOST_BYTES),
        ("/host/auctions/new/", False, MOST_BYTES),
        ("/host/auctions/7/import/", True, MOST_BYTES),
        ("/uploads/", False, ONE_PICTURE),
        ("/accounts/profile/", True, ONE_PICTURE),
        ("/host/auctions/new/", True, MANY_PICTURES),
    ],
)
async def test_what_is_longer_than_its_address_needs_is_refused_before_it_is_kept(path, session, most):
    told = Sender(most + 1, tells=True, path=path, session=session)
    assert (await told.status(), told.kept) == (413, 0)

    untold = Sender(most + 1, tells=False, path=path, session=session)
    assert await untold.status() == 413
    assert untold.kept <= most
    assert len([message for message in untold.sent if message["type"] == "http.response.start"]) == 1


@pytest.mark.parametrize("tells", [True, False])
async def test_what_is_as_long_as_its_address_needs_is_taken(tells):
    sender = Sender(MOST_BYTES, tells=tells)
    assert (await sender.status(), sender.kept) == (200, MOST_BYTES)


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"9" * 30, b""])
async def test_a_length_that_is_no_number_is_refused(length):
    sender = Sender(1, tells=False)
    sender.scope["headers"].append((b"content-length", length))
    assert (await sender.status(), sender.kept) == (413, 0)


def test_the_site_itself_takes_no_more(stack):
    at, body = urlsplit(stack.url), b"x" * (MOST_BYTES + 1)
    for path, said in (("/nowhere", b"at most 2 MB"), ("/api/v1/auctions/", b"too_large")):
        with socket.create_connection((at.hostname, at.port), timeout=30) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            connection.sendall(head.encode() + b"%x\r\n" % len(body))
            with suppress(ConnectionError):
                connection.sendall(body + b"\r\n0\r\n\r\n")
            answered = b""
            with suppress(ConnectionError):
                while piece := connection.recv(65_536):
                    answered += piece
        assert answered.startswith(b"HTTP/1.1 413 "), answered
        assert said in answered
