"""Moderation that bites: what moderators decide is so on every page, for who comes later, and in the database."""

# ruff: noqa: RUF001 - words written in other letters are what is tested here

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Membership, Role, User
from auctions.errors import Refused
from bidding.engine.side import RoomKeys
from bidding.models import ChatMessage, ChatRoom, ModerationReason, ModeratorNote, Mute
from bidding.room import hub as hub_module
from bidding.services import moderation
from bidding.services.chat import LINES_IN_STATE, chat_store
from bidding.services.wordfilter import WordFilter
from bidding.tests.conftest import Show
from bidding.tests.rooms import Page, RoomServer, page

SPAM = ModerationReason.SPAM


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.fixture
def mo(show: Show) -> User:
    """Return a moderator of the house."""
    user = User.objects.create_user("mo@example.test", "secret-enough", display_name="Mo")
    Membership.objects.create(organizer=show.auction.organizer, user=user, role=Role.MODERATOR)
    return user


def user_of(show: Show, who: int = 0) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


def say(speaker: Page, text: str) -> dict[str, Any]:
    """Say something, and return the line as the speaker hears it."""
    speaker.send("CHAT", text=text)
    line: dict[str, Any] = speaker.until("CHAT")["line"]
    return line


def state_for_a_newcomer(server: RoomServer, show: Show) -> dict[str, Any]:
    with page(server, show.auction.pk) as late:
        return late.next()


# --- Taking a line away ------------------------------------------------------------------------------


def test_a_removed_line_is_gone_everywhere_and_kept_for_disputes(
    show: Show, server: RoomServer, mo: User, side: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Told at once, and not when rooms compare their lines with the database again.
    monkeypatch.setattr(hub_module, "MODERATION_EVERY_S", 600.0)
    with page(server, show.auction.pk, user=user_of(show)) as hers, page(server, show.auction.pk) as nobodys:
        for each in (hers, nobodys):
            each.next()
        first, bad = say(hers, "first"), say(hers, "buy my coins")
        moderation.chat_line_remove(auction=show.auction, entry=bad["id"], actor=mo, reason=SPAM)
        for each in (hers, nobodys):
            each.until("CHAT_REMOVED", id=bad["id"])
        assert "coins" not in str(side.xrange(RoomKeys(show.auction.pk).chat)), "a room that begins anew would show it"
        assert [line["id"] for line in state_for_a_newcomer(server, show)["chat"]] == [first["id"]]
    # Neither a ledger that comes later nor a room that begins anew brings it back.
    show.store()
    assert [line["id"] for line in state_for_a_newcomer(server, show)["chat"]] == [first["id"]]
    side.delete(RoomKeys(show.auction.pk).chat)
    assert [line["id"] for line in state_for_a_newcomer(server, show)["chat"]] == [first["id"]]
    kept = ChatMessage.objects.get(entry=bad["id"])
    assert (kept.text, kept.removed_by, kept.removal_reason) == ("buy my coins", mo, SPAM)
    assert ChatMessage.objects.count() == 2


def test_storing_a_line_early_leaves_no_hole_before_it(show: Show, server: RoomServer, mo: User) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        lines = [say(hers, f"line {number}") for number in range(4)]
    moderation.chat_line_remove(auction=show.auction, entry=lines[2]["id"], actor=mo, reason=SPAM)
    chat_store(auction_id=show.auction.pk)
    stored = ChatMessage.objects.order_by("at_ms", "pk").values_list("text", flat=True)
    assert list(stored) == [f"line {number}" for number in range(4)]


def test_a_removal_that_nobody_announced_is_found(
    show: Show, server: RoomServer, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        bad = say(hers, "bad")
        monkeypatch.setattr(moderation, "announce_signal_now", lambda *_: None)
        monkeypatch.setattr(moderation, "announce_chat_rules_now", lambda *_: None)
        moderation.chat_line_remove(auction=show.auction, entry=bad["id"], actor=mo, reason=SPAM)
        hers.until("CHAT_REMOVED", id=bad["id"])
        assert all(message["type"] != "CHAT" for message in hers.quiet(2.5)), "a later read brought it back"


def test_a_removal_that_nobody_announced_is_found_of_an_older_line_too(
    show: Show, server: RoomServer, mo: User, side: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page still shows it after as many newer lines as STATE holds."""
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        bad = say(hers, "bad")
        chat = RoomKeys(show.auction.pk).chat
        fields: Any = side.xrange(chat)[0][1]
        for _ in range(LINES_IN_STATE):
            side.xadd(chat, fields)
        newest = side.xrevrange(chat, count=1)[0][0].decode()
        while hers.until("CHAT")["line"]["id"] != newest:
            pass
        monkeypatch.setattr(moderation, "announce_signal_now", lambda *_: None)
        monkeypatch.setattr(moderation, "announce_chat_rules_now", lambda *_: None)
        moderation.chat_line_remove(auction=show.auction, entry=bad["id"], actor=mo, reason=SPAM)
        hers.until("CHAT_REMOVED", id=bad["id"])


@pytest.mark.parametrize("entry", ["1-0", "nonsense", "99999999999999999999999-1", "-", "1-", "\u0661-0"])
def test_a_line_that_never_was(show: Show, mo: User, entry: str) -> None:
    with pytest.raises(Refused) as refused:
        moderation.chat_line_remove(auction=show.auction, entry=entry, actor=mo, reason=SPAM)
    assert refused.value.code == "not_found"


# --- Pinning -----------------------------------------------------------------------------------------


def test_a_pinned_line_is_in_state_until_it_is_taken_away(show: Show, server: RoomServer, mo: User) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        assert hers.next()["chat_settings"] == {"slow_mode_ms": 0, "pinned": None}
        line = say(hers, "shipping is free tonight")
        moderation.chat_line_pin(auction=show.auction, entry=line["id"], actor=mo)
        assert hers.until("CHAT_SETTINGS")["settings"]["pinned"] == line
        assert state_for_a_newcomer(server, show)["chat_settings"]["pinned"] == line
        moderation.chat_line_remove(auction=show.auction, entry=line["id"], actor=mo, reason=SPAM)
        assert hers.until("CHAT_SETTINGS")["settings"]["pinned"] is None
    with pytest.raises(Refused):
        moderation.chat_line_pin(auction=show.auction, entry=line["id"], actor=mo)


def test_a_line_that_is_taken_away_meanwhile_is_not_pinned(
    show: Show, server: RoomServer, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        line = say(hers, "buy my coins")
    show.store()
    as_it_was = ChatMessage.objects.get(entry=line["id"])
    moderation.chat_line_remove(auction=show.auction, entry=line["id"], actor=mo, reason=SPAM)
    somebody = User.objects.create_user("else@example.test", "secret-enough")
    Membership.objects.create(organizer=show.auction.organizer, user=somebody, role=Role.MODERATOR)
    # Another moderator's transaction had read it before.
    monkeypatch.setattr(moderation, "line_of", lambda *_: as_it_was)
    with pytest.raises(Refused):
        moderation.chat_line_pin(auction=show.auction, entry=line["id"], actor=somebody)
    moderation.chat_line_remove(auction=show.auction, entry=line["id"], actor=somebody, reason=SPAM)
    assert ChatMessage.objects.get(entry=line["id"]).removed_by == mo


# --- Muting ------------------------------------------------------------------------------------------


def test_a_muted_person_is_told_on_every_page_and_says_nothing(show: Show, server: RoomServer, mo: User) -> None:
    with (
        page(server, show.auction.pk, user=user_of(show)) as hers,
        page(server, show.auction.pk, path="chat/", user=user_of(show)) as chat,
        page(server, show.auction.pk, user=user_of(show, 1)) as his,
    ):
        for each in (hers, chat, his):
            assert not each.next()["you"]["muted"]
        mute = moderation.person_mute(
            auction=show.auction, user=user_of(show), actor=mo, reason=ModerationReason.ABUSE, minutes=10, note="twice"
        )
        assert mute.until is not None
        for each in (hers, chat):
            you = each.until("YOU")["you"]
            assert (you["muted"], you["muted_until_ms"]) == (True, round(mute.until.timestamp() * 1000))
            assert you["can_bid"], "a mute is about words"
            refused = each.ask("CHAT", "CHAT_REJECTED", text="hello")
            assert refused["code"] == "muted"
            assert 0 < refused["retry_after_ms"] <= 600_000
        assert say(his, "hello")["text"] == "hello"
        with page(server, show.auction.pk, user=user_of(show)) as another:
            assert another.next()["you"]["muted"]
        moderation.mute_lift(mute=mute, actor=mo)
        assert not hers.until("YOU")["you"]["muted"]
        assert say(hers, "sorry")["text"] == "sorry"


def test_a_muted_person_says_nothing_before_the_room_has_read_who_is_muted(
    show: Show, server: RoomServer, mo: User, side: redis.Redis
) -> None:
    moderation.person_mute(auction=show.auction, user=user_of(show), actor=mo, reason=SPAM)
    # Nobody sits there yet: the first message comes before the room's first STATE.
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.send("CHAT", text="quick enough?")
        assert hers.until("CHAT_REJECTED")["code"] == "muted"
        assert not side.exists(RoomKeys(show.auction.pk).chat)


def test_a_mute_ends_by_itself_and_its_person_is_told(show: Show, server: RoomServer, mo: User) -> None:
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        mute = moderation.person_mute(auction=show.auction, user=user_of(show), actor=mo, reason=SPAM, minutes=1)
        assert hers.until("YOU")["you"]["muted"]
        # The time passes.
        Mute.objects.filter(pk=mute.pk).update(until=timezone.now() - timedelta(seconds=1))
        assert not hers.until("YOU")["you"]["muted"]
        assert say(hers, "back")["text"] == "back"


def test_a_mute_for_the_show_replaces_one_for_a_while(show: Show, server: RoomServer, mo: User) -> None:
    for minutes in (5, None):
        moderation.person_mute(auction=show.auction, user=user_of(show), actor=mo, reason=SPAM, minutes=minutes)
    assert Mute.objects.filter(lifted_at=None).count() == 1
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        you = hers.next()["you"]
        assert (you["muted"], you["muted_until_ms"]) == (True, None)
        refused = hers.ask("CHAT", "CHAT_REJECTED", text="hello")
        assert (refused["code"], "retry_after_ms" in refused) == ("muted", False)


def test_a_mute_that_nobody_announced_is_found(
    show: Show, server: RoomServer, mo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moderation, "announce_chat_rules_now", lambda *_: None)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        moderation.person_mute(auction=show.auction, user=user_of(show), actor=mo, reason=SPAM)
        assert hers.until("YOU")["you"]["muted"]


def test_who_works_for_the_auction_is_not_muted(show: Show, mo: User) -> None:
    with pytest.raises(Refused) as refused:
        moderation.person_mute(auction=show.auction, user=show.host, actor=mo, reason=SPAM)
    assert refused.value.code == "own_team"


# --- Pace and words ----------------------------------------------------------------------------------


def test_slow_mode_slows_everybody_but_the_house(show: Show, server: RoomServer, mo: User) -> None:
    with (
        page(server, show.auction.pk, user=user_of(show)) as hers,
        page(server, show.auction.pk, user=show.host) as hosts,
    ):
        for each in (hers, hosts):
            each.next()
        moderation.chat_room_change(auction=show.auction, actor=mo, slow_mode_s=600)
        for each in (hers, hosts):
            assert each.until("CHAT_SETTINGS")["settings"]["slow_mode_ms"] == 600_000
        assert say(hers, "one")["text"] == "one"
        refused = hers.ask("CHAT", "CHAT_REJECTED", text="two")
        assert refused["code"] == "slow_mode"
        assert 0 < refused["retry_after_ms"] <= 600_000
        for text in ("a", "b"):
            hosts.send("CHAT", text=text)
            hers.until("CHAT")
        moderation.chat_room_change(auction=show.auction, actor=mo, slow_mode_s=0)
        hers.until("CHAT_SETTINGS")
        assert say(hers, "three")["text"] == "three"


def test_a_blocked_word_is_refused_and_the_text_can_be_changed(show: Show, server: RoomServer, mo: User) -> None:
    moderation.chat_room_change(auction=show.auction, actor=mo, blocked_words="scam\nbuy gold")
    message_id = "00000000-0000-4000-8000-00000000000a"
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        hers.next()
        assert hers.ask("CHAT", "CHAT_REJECTED", text="This is a ＳＣÁＭ!", id=message_id)["code"] == "blocked"
        hers.send("CHAT", text="This is fine", id=message_id)
        assert hers.until("CHAT")["line"]["text"] == "This is fine"


LISTED = "scam\nBuy Gold\nidiot*\npass\nСпам\n\n*\nstraße\n傻瓜"


@pytest.mark.parametrize(
    "text",
    [
        "scam",
        "a SCAM, really",
        "ｓｃａｍ",
        "sçäm",
        "s\u0301c\u0301a\u0301m",
        "sc\u200bam",
        "s\u00adcam",
        "s c a m",
        "s.c-a_m",
        "scaaaaam",
        "S C A A A A M",
        "(scam)",
        "buy   gold",
        "BUY, GOLD!",
        "idiot",
        "idiots",
        "Idiotic",
        "pass",
        "passsss",
        "спам",
        "STRASSE",
        "傻瓜",
        "𝓼𝓬𝓪𝓶",
    ],
)
def test_a_listed_word_is_found_however_it_is_written(text: str) -> None:
    assert WordFilter(LISTED).blocks(text)


@pytest.mark.parametrize(
    "text", ["scampi", "a scan", "gold to buy", "buy some gold", "pas", "passage", "a b c", "", "ok", "🙂", "sc am"]
)
def test_a_harmless_text_passes(text: str) -> None:
    assert not WordFilter(LISTED).blocks(text)


def test_an_empty_list_blocks_nothing() -> None:
    assert not WordFilter(" \n*\n...").blocks("anything * ...")


# --- The database gone, and who may --------------------------------------------------------------------


def test_without_the_database_a_room_still_gives_its_state(
    show: Show, server: RoomServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> Any:
        raise OperationalError("gone")

    monkeypatch.setattr(hub_module, "_chat_rules", gone)
    with page(server, show.auction.pk, user=user_of(show)) as hers:
        assert hers.next()["type"] == "STATE"
        # Who knows no mutes lets nobody talk.
        assert hers.ask("CHAT", "CHAT_REJECTED", text="hello")["code"] == "unavailable"


COMMANDS: dict[str, Callable[[Show, User], object]] = {
    "remove": lambda show, who: moderation.chat_line_remove(auction=show.auction, entry="1-0", actor=who, reason=SPAM),
    "pin": lambda show, who: moderation.chat_line_pin(auction=show.auction, entry=None, actor=who),
    "change": lambda show, who: moderation.chat_room_change(auction=show.auction, actor=who, slow_mode_s=5),
    "mute": lambda show, who: moderation.person_mute(
        auction=show.auction, user=user_of(show, 1), actor=who, reason=SPAM
    ),
    "note": lambda show, who: moderation.moderator_note_add(
        auction=show.auction, user=user_of(show, 1), actor=who, text="x"
    ),
    "notice": lambda show, who: moderation.notice_send(auction=show.auction, actor=who, text="x"),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("role", [None, Role.CLERK, Role.FINANCE, "other house"])
def test_nobody_else_moderates(show: Show, command: str, role: Any) -> None:
    somebody = User.objects.create_user("somebody@example.test", "secret-enough")
    if role == "other house":
        other = show.auction.organizer.__class__.objects.create(name="Other", slug="other")
        Membership.objects.create(organizer=other, user=somebody, role=Role.OWNER)
    elif role is not None:
        Membership.objects.create(organizer=show.auction.organizer, user=somebody, role=role)
    with pytest.raises(Refused) as refused:
        COMMANDS[command](show, somebody)
    assert refused.value.code == "forbidden"
    assert not any(model.objects.exists() for model in (Mute, ChatRoom, ModeratorNote))


def test_a_notice_of_the_host_reaches_everybody(show: Show, server: RoomServer) -> None:
    with page(server, show.auction.pk) as nobody:
        nobody.next()
        moderation.notice_send(auction=show.auction, actor=show.host, text="  Back in\nfive ")
        assert nobody.until("NOTICE")["text"] == "Back in five"
