"""The Live desk: who comes to it, what it tells whom, and that each of its commands does what it says, once."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import Membership, Role, User
from auctions.models import (
    Auction,
    AuctionModerator,
    Lot,
    LotRun,
    LotStatus,
    LotWatch,
    Registration,
    RegistrationStatus,
)
from bidding.engine.keys import AuctionKeys
from bidding.floor import floor as the_floor
from bidding.models import Event
from bidding.pages import floor_now
from bidding.replay import verify_auction
from bidding.selectors import pulse_now
from bidding.services import auction_advance, lot_open, rostrum_take
from bidding.tests.conftest import Show
from bidding.tests.test_a_show import bid
from bidding.tests.test_the_house import by_hand, member

SCRIPT = {"Accept": "application/json"}


class Desk:
    """Somebody at the desk of a show."""

    def __init__(self, show: Show, user: User) -> None:
        self.show = show
        self.client = Client(raise_request_exception=True)
        user.is_staff = True
        user.save()
        self.client.force_login(user)

    def path(self, rest: str = "") -> str:
        return reverse("admin:auctions_auction_desk", args=(self.show.auction.pk,)) + rest

    def facts(self) -> dict[str, Any]:
        told: dict[str, Any] = self.client.get(self.path("facts/")).json()
        return told

    def do(self, name: str, lot: Lot | None = None, *, v: int | None = None, **form: Any) -> tuple[int, dict[str, Any]]:
        """Send a command as the page's script does; by default for the first lot, at the version of now."""
        shown = floor_now(self.show.auction)
        fields = {
            "lot": (lot or self.show.lots[0]).pk,
            "v": (shown.v if shown else 0) if v is None else v,
            **form,
        }
        answer = self.client.post(self.path(f"{name}/"), fields, headers=SCRIPT)
        return answer.status_code, answer.json()


@pytest.fixture
def at_desk(show: Show) -> Desk:
    """Return the host at the desk; nothing opens by itself."""
    by_hand(show)
    return Desk(show, show.host)


def hammer_may_fall(show: Show) -> None:
    the_floor().hset(AuctionKeys(show.auction.pk).lot, "hammer_at", 1)


def lot_now(show: Show) -> Any:
    shown = floor_now(show.auction)
    assert shown is not None
    return shown.lot


# --- Who comes, and what they are told ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "comes"),
    [(Role.OWNER, 200), (Role.AUCTIONEER, 200), (Role.CLERK, 200), (Role.MODERATOR, 200), (Role.FINANCE, 404)],
)
def test_only_who_has_something_to_do_there_comes_to_the_desk(show: Show, role: Role, comes: int) -> None:
    desk = Desk(show, member(show, role, "somebody"))
    assert [desk.client.get(desk.path(rest)).status_code for rest in ("", "facts/")] == [comes, comes]


def test_the_desk_of_another_house_does_not_exist(show: Show) -> None:
    stranger = User.objects.create_user("s@example.test", "secret-enough")
    desk = Desk(show, stranger)
    assert desk.client.get(desk.path()).status_code == 404
    assert desk.client.post(desk.path("open/")).status_code == 404


@pytest.mark.parametrize("role", [Role.CLERK, Role.MODERATOR])
def test_who_does_not_run_the_show_has_no_commands(show: Show, role: Role) -> None:
    desk = Desk(show, member(show, role, "somebody"))
    page = desk.client.get(desk.path()).content.decode()
    assert "data-command" not in page
    for name in ("open", "pause", "void", "ban", "cancel"):
        assert desk.client.post(desk.path(f"{name}/"), {"lot": show.lots[0].pk, "v": 99}).status_code == 404
    assert desk.client.get(desk.path("paddles/101/")).status_code == 404
    assert pulse_now(show.auction.pk).lot_id is None


def test_the_desk_has_the_sites_own_policy_and_the_admin_around_it_its_own(at_desk: Desk) -> None:
    policy = at_desk.client.get(at_desk.path())["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "unsafe-eval" in at_desk.client.get("/admin/")["Content-Security-Policy"]


def test_a_moderator_is_told_neither_the_reserve_nor_who_is_next_in_line(show: Show) -> None:
    Lot.objects.filter(auction=show.auction).update(reserve_amount=6_137)
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00")
    bid(show, 1, "30.00")
    told = {}
    for role in (Role.CLERK, Role.MODERATOR):
        desk = Desk(show, member(show, role, role.value))
        told[role] = desk.client.get(desk.path()).content.decode() + json.dumps(desk.facts())
    for text in ("61.37", "next_in_line"):
        assert text in told[Role.CLERK]
        assert text not in told[Role.MODERATOR]
    assert "6137" not in told[Role.MODERATOR]


def test_the_desk_tells_what_the_room_does_not_know_and_no_maximum(at_desk: Desk) -> None:
    show = at_desk.show
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=6_000)
    bid(show, 2, "44.00", max=True, lot=show.lots[1].pk)
    for who in show.bidders[:2]:
        assert who.user is not None
        LotWatch.objects.create(user=who.user, lot=show.lots[1])
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00", max=True)
    bid(show, 1, "51.00", max=True)
    show.store()
    facts = at_desk.facts()
    assert facts["lot"] == {
        "id": show.lots[0].pk,
        "hammer_at_ms": None,
        "watchers": 0,
        "duration_ms": 60_000,
        "increments": [[0, 500]],
        "reserve": "60.00",
        "next_in_line": {"paddle": 101, "amount": "10.00"},
    }
    assert [(lot["number"], lot["pre_bids"], lot["watchers"]) for lot in facts["queue"]] == [("2", 1, 2)]
    # As words of their own: the digits may be part of a time or a key.
    assert not re.findall(r"(?<!\d)(?:44|51)(?:\.00|00)?(?!\d)", json.dumps(facts))
    assert facts["v"] == pulse_now(show.auction.pk).v


def test_the_end_is_foreseen_by_the_rules_and_then_by_the_evenings_own_pace(at_desk: Desk) -> None:
    show = at_desk.show
    Auction.objects.filter(pk=show.auction.pk).update(gap_ms=8_000)
    assert at_desk.facts()["rest_ms"] == 2 * (60_000 + 8_000)
    for attempt in (1, 2, 3):
        LotRun.objects.create(
            lot=show.lots[0],
            auction=show.auction,
            attempt=attempt,
            status=LotStatus.PASSED,
            result="passed",
            reason="no_bids",
            opened_at_ms=attempt * 100_000,
            closed_at_ms=attempt * 100_000 + 50_000,
        )
    assert at_desk.facts()["rest_ms"] == 2 * (350_000 - 100_000) // 3


# --- The commands ---------------------------------------------------------------------------------------


def test_a_lot_from_the_desk(at_desk: Desk) -> None:
    show = at_desk.show
    assert at_desk.do("open") == (200, {"detail": "Lot 1 is open."})
    bid(show, 0, "10.00")
    assert at_desk.do("hammer")[1]["code"] == "no_fair_warning"
    assert at_desk.do("warn")[0] == 200
    assert at_desk.facts()["lot"]["hammer_at_ms"] > pulse_now(show.auction.pk).now_ms
    assert at_desk.do("hammer")[1]["code"] == "too_early"
    hammer_may_fall(show)
    assert at_desk.do("hammer")[0] == 200
    show.store()
    facts = at_desk.facts()
    assert (facts["sold"], facts["hammer"], facts["over"][0]["paddle"]) == (1, "10.00", 101)
    assert at_desk.do("open", show.lots[1])[0] == 200


def test_a_pause_and_thirty_seconds_more(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    end = lot_now(show).ends_at_ms
    assert at_desk.do("extend", seconds=30)[0] == 200
    assert lot_now(show).ends_at_ms == end + 30_000
    assert at_desk.do("pause")[0] == 200
    assert (lot_now(show).status, lot_now(show).pause_reason) == ("paused", "host")
    assert at_desk.do("pause")[1]["code"] == "not_open"
    assert at_desk.do("resume")[0] == 200
    assert lot_now(show).status == "open"


@pytest.mark.parametrize("name", ["warn", "hammer", "close", "pause", "resume", "extend", "void", "withdraw", "reopen"])
def test_a_second_tap_and_another_lot_do_nothing_and_say_so(at_desk: Desk, name: str) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 0, "10.00")
    old = pulse_now(show.auction.pk).v
    at_desk.do("extend", seconds=5)
    before = lot_now(show)
    reason: dict[str, Any] = {"reason": "mistake", "paddle": "101"}
    status, said = at_desk.do(name, v=old, **reason)
    assert (status, said["code"]) == (409, "stale")
    assert "changed" in said["detail"]
    assert at_desk.do(name, show.lots[1], **reason)[1]["code"] == "wrong_lot"
    assert at_desk.client.post(at_desk.path(f"{name}/"), {**reason, "v": 99}, headers=SCRIPT).status_code == 409
    assert lot_now(show) == before


@pytest.mark.parametrize("name", ["void", "withdraw", "reopen", "ban", "cancel"])
def test_what_takes_something_back_needs_a_reason(at_desk: Desk, name: str) -> None:
    at_desk.do("open")
    bid(at_desk.show, 0, "10.00")
    before = lot_now(at_desk.show)
    for reason in ("", "because"):
        status, said = at_desk.do(name, paddle="101", reason=reason)
        assert (status, said["code"], said["field"]) == (409, "no_reason", "reason")
    assert lot_now(at_desk.show) == before
    assert not LogEntry.objects.filter(change_message__startswith=name).exists()


def test_the_desk_says_what_a_void_comes_to_and_then_does_it(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 0, "10.00")
    bid(show, 1, "15.00")
    bid(show, 0, "20.00")
    told = at_desk.client.get(at_desk.path("paddles/101/")).json()
    assert told["without_latest"] == {"paddle": 102, "amount": "15.00"}
    assert told["without"] == {"paddle": 102, "amount": "15.00"}
    assert at_desk.do("void", paddle="101", reason="mistake", note="Called from the hall")[0] == 200
    lot = lot_now(show)
    assert (lot.current_amount, lot.leader.paddle) == ("15.00", 102)
    written = LogEntry.objects.get(change_message__startswith="void")
    assert (written.user, written.object_id) == (show.host, str(show.auction.pk))
    assert (
        written.change_message == "void: The latest bid of paddle 101 was taken back. (mistake; Called from the hall)"
    )
    assert at_desk.do("void", paddle="777", reason="mistake")[1]["code"] == "no_such_paddle"
    assert at_desk.do("void", paddle="103", reason="mistake")[1]["code"] == "no_such_bid"


def test_who_is_banned_with_their_bids_leaves_the_price_that_was_foretold(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 1, "10.00")
    bid(show, 0, "15.00")
    bid(show, 1, "40.00", max=True)
    bid(show, 1, "90.00", max=True)
    bid(show, 2, "35.00")
    told = at_desk.client.get(at_desk.path("paddles/102/")).json()
    assert (told["offers"], told["without"]) == (3, {"paddle": 103, "amount": "35.00"})
    assert told["without_latest"] == {"paddle": 102, "amount": "40.00"}
    status, said = at_desk.do("ban", paddle="102", reason="dispute", take_back="on")
    assert (status, said["detail"]) == (200, "Paddle 102 is banned, and their bids for the open lot were taken back.")
    lot = lot_now(show)
    assert (lot.current_amount, lot.leader.paddle) == ("35.00", 103)
    assert Registration.objects.get(paddle=102).status == RegistrationStatus.BANNED
    assert getattr(bid(show, 1, "95.00"), "code", "") == "banned"
    assert at_desk.do("ban", paddle="102", reason="dispute")[1]["code"] == "banned"


def test_a_ban_from_an_old_picture_changes_nothing(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 0, "10.00")
    old = pulse_now(show.auction.pk).v
    at_desk.do("extend", seconds=5)
    assert at_desk.do("ban", v=old, paddle="101", reason="dispute", take_back="on")[1]["code"] == "stale"
    assert Registration.objects.get(paddle=101).status == RegistrationStatus.APPROVED


def test_a_ban_alone_leaves_what_was_bid(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 0, "10.00")
    assert at_desk.do("ban", paddle="101", reason="dispute")[0] == 200
    assert lot_now(show).leader.paddle == 101


def test_what_a_banned_bidder_bought_stays_theirs(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    bid(show, 0, "10.00")
    at_desk.do("warn")
    hammer_may_fall(show)
    at_desk.do("hammer")
    show.store()
    assert at_desk.do("ban", paddle="101", reason="dispute", take_back="on")[1]["detail"] == "Paddle 101 is banned."
    assert lot_now(show).winner.paddle == 101
    nobody = {"paddle": "102", "reason": "dispute", "take_back": "on", "lot": "0", "v": "0"}
    assert at_desk.client.post(at_desk.path("ban/"), nobody, headers=SCRIPT).status_code == 200


def test_no_bids_and_offered_again_at_half(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    show.end_lot_now()
    at_desk.do("withdraw", reason="mistake")
    show.store()
    assert at_desk.do("again", amount="abc")[1]["code"] == "bad_amount"
    assert at_desk.do("again", amount="5.00") == (200, {"detail": "Lot 1 comes next, as a new run."})
    assert Lot.objects.get(pk=show.lots[0].pk).opening_amount == 500
    assert at_desk.do("again", amount="4.00")[1]["code"] == "not_passed"
    assert at_desk.do("open")[0] == 200
    assert lot_now(show).opening_amount == "5.00"


def test_what_missed_its_reserve_is_sold_anyway(at_desk: Desk) -> None:
    show = at_desk.show
    Lot.objects.filter(pk=show.lots[0].pk).update(reserve_amount=6_000)
    at_desk.do("open")
    bid(show, 0, "45.00")
    assert at_desk.do("sell")[1]["code"] == "reserve_met"
    at_desk.do("warn")
    hammer_may_fall(show)
    at_desk.do("hammer")
    show.store()
    step = at_desk.client.get(at_desk.path()).context["page"].step
    assert (step.command, step.lot) == ("sell", show.lots[0].pk)
    old = pulse_now(show.auction.pk).v
    assert at_desk.do("sell")[0] == 200
    assert (lot_now(show).status, lot_now(show).has_reserve) == ("open", False)
    assert at_desk.do("sell", v=old)[0] == 409
    at_desk.do("warn")
    hammer_may_fall(show)
    at_desk.do("hammer")
    show.store()
    assert at_desk.facts()["over"][0]["amount"] == "45.00"


def test_a_lot_is_reopened_until_the_next_one_opens(at_desk: Desk) -> None:
    show = at_desk.show
    at_desk.do("open")
    at_desk.do("withdraw", reason="mistake")
    show.store()
    assert at_desk.do("reopen", reason="late_bid")[0] == 200
    assert lot_now(show).status == "open"
    at_desk.do("withdraw", reason="mistake")
    at_desk.do("open", show.lots[1])
    assert at_desk.do("reopen", reason="late_bid")[1]["code"] == "wrong_lot"


def test_the_queue_is_sorted_and_the_room_told_what_comes_next(at_desk: Desk) -> None:
    show = at_desk.show
    first, second = show.lots
    assert at_desk.do("move", second, before=first.pk)[0] == 200
    assert [lot["number"] for lot in at_desk.facts()["queue"]] == ["2", "1"]
    assert pulse_now(show.auction.pk).next_lot_id == second.pk
    assert at_desk.do("move", second, before=0)[0] == 200
    assert [lot["number"] for lot in at_desk.facts()["queue"]] == ["1", "2"]
    at_desk.do("open")
    show.store()
    assert at_desk.do("move", first, before=second.pk)[1]["code"] == "lot_not_pending"
    assert at_desk.do("move", second, before=first.pk)[1]["code"] == "lot_not_pending"
    assert at_desk.do("move", second, before=987)[1]["code"] == "wrong_lot"


def picture() -> SimpleUploadedFile:
    drawn = BytesIO()
    Image.new("RGB", (640, 480), (40, 90, 70)).save(drawn, "JPEG")
    return SimpleUploadedFile("host name.jpg", drawn.getvalue(), "image/jpeg")


def test_a_quick_lot_comes_next_under_the_rules_of_the_last_one(at_desk: Desk) -> None:
    show = at_desk.show
    Lot.objects.filter(pk=show.lots[1].pk).update(duration_ms=45_000, increments=[[0, 700]])
    assert at_desk.do("quick", title=" Brass bell ", amount="25", picture=picture()) == (
        200,
        {"detail": "Lot 3 comes next."},
    )
    bell = Lot.objects.get(title="Brass bell")
    assert (bell.opening_amount, bell.duration_ms, bell.increments) == (2_500, 45_000, [[0, 700]])
    assert [lot["number"] for lot in at_desk.facts()["queue"]] == ["3", "1", "2"]
    assert pulse_now(show.auction.pk).next_lot_id == bell.pk
    assert at_desk.do("open", bell)[0] == 200
    assert lot_now(show).image_url == bell.images.get().file.url


def test_a_quick_lot_opens_without_scripts(at_desk: Desk) -> None:
    page = at_desk.client.get(at_desk.path()).content.decode()
    form = page[page.index('id="quick-sheet"') :]
    version = re.search(r'name="v" value="(\d+)"', form)
    assert version is not None
    assert 'name="go" value="on"' in form
    sent = {"title": "Bell", "amount": "25", "v": version[1], "go": "on"}
    answer = at_desk.client.post(at_desk.path("quick/"), sent, follow=True)
    assert [str(message) for message in answer.context["messages"]] == ["Lot 3 is open."]


def test_a_quick_lot_opens_at_once_or_waits_and_says_why(at_desk: Desk) -> None:
    assert at_desk.do("quick", title="Bell", amount="25.00", go="on") == (200, {"detail": "Lot 3 is open."})
    assert lot_now(at_desk.show).title == "Bell"
    said = at_desk.do("quick", title="Gong", amount="30.00", go="on")[1]["detail"]
    assert said == "Lot 4 comes next. It is not open: Another lot is open. Close it first."
    assert next(lot["number"] for lot in at_desk.facts()["queue"]) == "4"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"title": "Bell", "amount": ""}, "amount"),
        ({"title": "Bell", "amount": "1e5"}, "amount"),
        ({"title": "", "amount": "5"}, "title"),
        ({"title": "Bell", "amount": "5", "picture": SimpleUploadedFile("x.jpg", b"<svg/>", "image/jpeg")}, "file"),
    ],
)
def test_what_is_wrong_with_a_quick_lot_is_said_and_nothing_is_added(
    at_desk: Desk, fields: dict[str, Any], field: str
) -> None:
    status, said = at_desk.do("quick", **fields)
    assert (status, said["field"]) == (409, field)
    assert Lot.objects.count() == 2


def test_the_autopilot_opens_lots_after_a_gap_that_everybody_sees_and_stops(at_desk: Desk) -> None:
    show = at_desk.show
    Auction.objects.filter(pk=show.auction.pk).update(auto_advance=True)
    assert at_desk.do("autopilot")[0] == 200
    assert at_desk.facts()["autopilot"] is None
    assert pulse_now(show.auction.pk).next_opens_at_ms is None
    said = at_desk.do("autopilot", on="on", gap="20")
    assert said == (200, {"detail": "Lots open by themselves, 20 seconds after each result."})
    pulse = pulse_now(show.auction.pk)
    assert pulse.next_lot_id == show.lots[0].pk
    assert pulse.next_opens_at_ms is not None
    assert 0 < pulse.next_opens_at_ms - pulse.now_ms <= 20_000
    assert at_desk.facts()["autopilot"] == 20_000
    assert at_desk.do("autopilot") == (200, {"detail": "You open each lot."})
    assert pulse_now(show.auction.pk).next_opens_at_ms is None
    assert at_desk.do("autopilot", on="on", gap="9999")[0] == 409

    # No desk has to be open for it.
    at_desk.do("autopilot", on="on", gap="0")
    show.auction.refresh_from_db()
    auction_advance(auction=show.auction)
    assert lot_now(show).status == "open"
    assert at_desk.do("autopilot")[0] == 200
    at_desk.do("withdraw", reason="damage")
    show.store()
    auction_advance(auction=show.auction)
    assert lot_now(show).status == "withdrawn"


def test_a_break_is_told_to_the_room_and_the_autopilot_waits_for_its_end(at_desk: Desk) -> None:
    show = at_desk.show
    for minutes in ("0", "61", "x"):
        assert at_desk.do("break", minutes=minutes)[1]["code"] == "bad_length"
    at_desk.do("autopilot", on="on", gap="0")
    assert at_desk.do("break", minutes="3") == (200, {"detail": "A break of 3 minutes."})
    pulse = pulse_now(show.auction.pk)
    assert pulse.next_opens_at_ms is not None
    assert 170_000 < pulse.next_opens_at_ms - pulse.now_ms <= 180_000
    auction_advance(auction=show.auction)
    assert lot_now(show) is None
    assert at_desk.do("open")[0] == 200
    assert at_desk.do("break", minutes="3")[1]["code"] == "lot_open"
    show.store()
    told = Event.objects.get(auction=show.auction, kind="INTERVAL")
    assert json.loads(told.public)["until_ms"] == pulse.next_opens_at_ms
    assert json.loads(told.private) == {"actor": show.host.pk}
    assert verify_auction(show.auction).problem is None


def test_who_is_not_on_the_rostrum_reads_who_is(at_desk: Desk) -> None:
    show = at_desk.show
    other = member(show, Role.AUCTIONEER, "olga")
    rostrum_take(auction=show.auction, actor=other)
    assert at_desk.facts()["rostrum"] == {"mine": False, "name": "Olga"}
    assert at_desk.do("open")[1] == {
        "code": "not_on_rostrum",
        "field": None,
        "detail": "Olga is on the rostrum. Take it first.",
    }
    assert at_desk.do("rostrum")[0] == 200
    assert at_desk.facts()["rostrum"]["mine"]
    assert at_desk.do("open")[0] == 200


def test_a_show_from_the_desk_without_scripts(make_show: Any) -> None:
    show = make_show(live=False)
    by_hand(show)
    desk = Desk(show, show.host)

    def press(title: str) -> str:
        """Press the large button, whose words must be these, and return what the page says then."""
        page = desk.client.get(desk.path())
        step = page.context["page"].step
        assert step.title == title
        assert f'action="{desk.path(step.command)}/"' in page.content.decode()
        shown = page.context["page"].floor
        form = {"lot": step.lot, "offered": step.amount, "v": shown.v if shown else 0}
        answer = desk.client.post(desk.path(f"{step.command}/"), form, follow=True)
        show.store()
        return " ".join(str(message) for message in answer.context["messages"])

    assert press("Go live").startswith("You are live")
    assert press("Open lot 1") == "Lot 1 is open."
    assert press("Fair warning, then hammer").startswith("Fair warning for lot 1")
    hammer_may_fall(show)
    assert press("Fair warning, then hammer") == "The hammer fell on lot 1."
    assert press("Offer again at $5" if show.auction.currency_code == "USD" else "Offer again at €5")
    assert press("Open lot 1") == "Lot 1 is open."
    bid(show, 0, "5.00")
    desk.do("pause")
    assert press("Resume lot 1") == "Lot 1 goes on."
    press("Fair warning, then hammer")
    hammer_may_fall(show)
    press("Fair warning, then hammer")
    assert press("Open lot 2") == "Lot 2 is open."
    desk.do("withdraw", show.lots[1], reason="damage")
    show.store()
    assert press("End the show") == "The show is over."
    assert desk.client.get(desk.path()).context["page"].step is None
    told = [entry.change_message.partition(":")[0] for entry in LogEntry.objects.order_by("pk")]
    assert told == ["live", "open", "close", "close", "again", "open", "pause", "resume", "close", "close", "open",
                    "withdraw", "end"]  # fmt: skip


def test_a_page_that_came_by_get_goes_back_to_the_desk(at_desk: Desk) -> None:
    answer = at_desk.client.get(at_desk.path("open/"))
    assert (answer.status_code, answer["Location"]) == (302, at_desk.path())
    assert at_desk.client.post(at_desk.path("nothing/")).status_code == 404
    assert pulse_now(at_desk.show.auction.pk).lot_id is None


def test_while_the_floor_is_away_the_desk_still_shows_and_refuses_openly(at_desk: Desk, monkeypatch: Any) -> None:
    show = at_desk.show
    the_floor().delete(AuctionKeys(show.auction.pk).state)
    assert at_desk.client.get(at_desk.path()).status_code == 200
    assert at_desk.facts()["lot"] is None
    status, said = at_desk.do("open", v=0)
    assert (status, said["code"]) == (409, "floor_missing")


def test_a_named_moderator_moderates_in_the_room_and_not_at_the_desk(show: Show) -> None:
    somebody = User.objects.create_user("named@example.test", "secret-enough")
    AuctionModerator.objects.create(auction=show.auction, email="named@example.test", created_by=show.host)
    client = Client()
    client.force_login(somebody)
    path = reverse("admin:auctions_auction_desk", args=(show.auction.pk,))
    assert client.get(path, follow=True).status_code == 403
    assert not Membership.objects.filter(user=somebody).exists()
