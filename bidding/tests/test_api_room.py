"""Moderation as programs do it: who may, what a wrong request is told, and what it comes to."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Role, User
from bidding.engine.side import RoomKeys
from bidding.floor import side
from bidding.models import ChatMessage, ModeratorNote, Mute
from bidding.tests.conftest import Show

PEOPLE = (None, "stranger", "bidder", Role.CLERK, Role.FINANCE, Role.MODERATOR, Role.AUCTIONEER, "host", "superuser")
MODERATORS = {Role.MODERATOR, Role.AUCTIONEER, "host", "superuser"}
REQUESTS: dict[str, tuple[str, str, Any, int]] = {
    # name: method, path behind the auction, body, answer to a moderator
    "chat": ("get", "chat/", None, 200),
    "chat change": ("patch", "chat/", {"slow_mode_s": 10}, 200),
    "pin": ("put", "chat/pin/", {"entry": None}, 200),
    "remove": ("post", "chat/lines/LINE/remove/", {"reason": "spam"}, 204),
    "mutes": ("get", "mutes/", None, 200),
    "mute": ("post", "mutes/", {"paddle": 102, "reason": "spam", "minutes": 5}, 201),
    "mute by line": ("post", "mutes/", {"entry": "LINE", "reason": "spam"}, 201),
    "lift": ("delete", "mutes/MUTE/", None, 204),
    "notes": ("get", "moderator-notes/", None, 200),
    "note": ("post", "moderator-notes/", {"paddle": 102, "text": "Asked for a refund in chat."}, 201),
}

Ask = Callable[[Client, str, str, Any], Any]


@pytest.fixture
def line(show: Show) -> str:
    """Return a line that a bidder said and that nobody has stored."""
    fields: dict[Any, Any] = {
        "user": show.bidders[0].user_id,
        "author": "Paddle 101",
        "paddle": "101",
        "role": "",
        "text": "x",
    }
    entry: Any = side().xadd(RoomKeys(show.auction.pk).chat, fields)
    return str(entry.decode())


@pytest.fixture
def ask(show: Show, line: str) -> Ask:
    """Return a function that asks the API about the auction."""
    mute = Mute.objects.create(auction=show.auction, user=user_of(show, 2), reason="spam", created_by=show.host)

    def send(client: Client, method: str, path: str, body: Any) -> Any:
        path = path.replace("LINE", line).replace("MUTE", str(mute.pk))
        if body and body.get("entry") == "LINE":
            body = {**body, "entry": line}
        url = f"/api/v1/auctions/{show.auction.pk}/{path}"
        return getattr(client, method)(url, body, content_type="application/json")

    return send


def user_of(show: Show, who: int) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


def client_of(show: Show, who: Any) -> Client:
    """Return the browser of one kind of person."""
    client = Client()
    if who is None:
        return client
    if who == "host":
        user = show.host
    elif who == "bidder":
        user = user_of(show, 0)
    else:
        user = User.objects.create_user("someone@example.test", "secret-enough", is_superuser=who == "superuser")
    if who in Role.values:
        Membership.objects.create(organizer=show.auction.organizer, user=user, role=who)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize("who", PEOPLE)
def test_only_moderators_moderate(show: Show, ask: Ask, who: Any) -> None:
    client = client_of(show, who)
    for name, (method, path, body, answer) in REQUESTS.items():
        expected = answer if who in MODERATORS else 401 if who is None else 404
        response = ask(client, method, path, body)
        assert response.status_code == expected, (name, response.content)


def test_a_notice_is_for_those_who_run_the_show(show: Show, ask: Ask) -> None:
    assert ask(client_of(show, "host"), "post", "notices/", {"text": "Back in five."}).status_code == 204
    assert ask(client_of(show, Role.MODERATOR), "post", "notices/", {"text": "Back in five."}).status_code == 404


WRONG: tuple[tuple[str, str, Any, str], ...] = (
    ("patch", "chat/", {"slow_mode_s": -1}, "slow_mode_s"),
    ("patch", "chat/", {"slow_mode_s": 601}, "slow_mode_s"),
    ("patch", "chat/", {"slow_mode_s": "soon"}, "slow_mode_s"),
    ("patch", "chat/", {"blocked_words": "x" * 10_001}, "blocked_words"),
    ("patch", "chat/", {"blocked_words": "a\u0000b"}, "blocked_words"),
    ("put", "chat/pin/", {}, "entry"),
    ("post", "chat/lines/LINE/remove/", {"reason": "because"}, "reason"),
    ("post", "chat/lines/LINE/remove/", {}, "reason"),
    ("post", "mutes/", {"reason": "spam"}, ""),
    ("post", "mutes/", {"paddle": 102, "entry": "LINE", "reason": "spam"}, ""),
    ("post", "mutes/", {"paddle": 999, "reason": "spam"}, "paddle"),
    ("post", "mutes/", {"paddle": 2**40, "reason": "spam"}, "paddle"),
    ("post", "mutes/", {"paddle": 102, "reason": "spam", "minutes": 0}, "minutes"),
    ("post", "mutes/", {"paddle": 102, "reason": "spam", "minutes": 10**9}, "minutes"),
    ("post", "mutes/", {"paddle": 102}, "reason"),
    ("post", "moderator-notes/", {"paddle": 102, "text": " "}, "text"),
    ("post", "moderator-notes/", {"paddle": 102, "text": "x" * 1_001}, "text"),
    ("post", "notices/", {"text": "x" * 501}, "text"),
    ("post", "notices/", {"text": "\u202e"}, "text"),
)


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
def test_what_is_wrong_is_said_at_its_field(
    show: Show, ask: Ask, method: str, path: str, body: Any, field: str
) -> None:
    response = ask(client_of(show, "host"), method, path, body)
    assert response.status_code == 400, response.content
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["chat/lines/1-0/remove/", "chat/lines/x/remove/"])
def test_a_line_that_never_was_is_not_found(show: Show, ask: Ask, path: str) -> None:
    assert ask(client_of(show, "host"), "post", path, {"reason": "spam"}).status_code == 404


def test_a_host_is_not_muted(show: Show, ask: Ask) -> None:
    fields: dict[Any, Any] = {"user": show.host.pk, "author": "Host", "paddle": "", "role": "host", "text": "x"}
    entry: Any = side().xadd(RoomKeys(show.auction.pk).chat, fields)
    body = {"entry": entry.decode(), "reason": "spam"}
    response = ask(client_of(show, Role.MODERATOR), "post", "mutes/", body)
    assert (response.status_code, response.json()["code"]) == (409, "own_team")


def test_an_answer_names_people_by_paddle_and_never_by_address(show: Show, ask: Ask, line: str) -> None:
    client = client_of(show, "host")
    muted = ask(client, "post", "mutes/", {"entry": line, "reason": "abuse", "minutes": 5, "note": "rude"})
    assert (muted.json()["paddle"], muted.json()["reason"], muted.json()["note"]) == (101, "abuse", "rude")
    ask(client, "post", "moderator-notes/", {"paddle": 101, "text": "Was rude."})
    assert ModeratorNote.objects.get().user_id == show.bidders[0].user_id
    ask(client, "post", f"chat/lines/{line}/remove/", {"reason": "abuse"})
    assert ChatMessage.objects.get().removal_reason == "abuse"
    for path in ("mutes/", "moderator-notes/", "chat/"):
        assert b"@" not in ask(client, "get", path, None).content
