"""Reports from the room, the moderators' queue, what is decided and carried out, appeals, and the words of a house."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Membership, Organizer, Role, User
from auctions.errors import Refused
from auctions.models import AuditEntry, RegistrationStatus
from bidding import protocol
from bidding.models import Appeal, ChatMessage, ModerationReason, Mute, Report, ReportDecision
from bidding.pages_moderation import history_of, queue_of
from bidding.services import lot_open, reports
from bidding.services.chat import chat_rules
from bidding.tests.conftest import Show
from bidding.tests.relays import screen
from bidding.tests.rooms import RoomServer, page
from bidding.tests.test_a_show import bid

SPAM = ModerationReason.SPAM
MUTED, BANNED = ReportDecision.MUTED, ReportDecision.BANNED


@pytest.fixture
def mo(show: Show) -> User:
    """Return a moderator of the house."""
    return member(show.auction.organizer, Role.MODERATOR, "mo")


def member(organizer: Organizer, role: Role, name: str) -> User:
    user = User.objects.create_user(f"{name}@example.test", "secret-enough", display_name=name.title(), is_staff=True)
    Membership.objects.create(organizer=organizer, user=user, role=role)
    return user


def user_of(show: Show, who: int) -> User:
    user = show.bidders[who].user
    assert user is not None
    return user


def said(show: Show, who: int = 1, number: int = 1, text: str = "Buy my coins.") -> ChatMessage:
    return ChatMessage.objects.create(
        auction=show.auction,
        user=user_of(show, who),
        entry=f"{number}-0",
        author=f"Paddle {show.bidders[who].paddle}",
        paddle=show.bidders[who].paddle,
        text=text,
        at_ms=number,
    )


def reported(show: Show, line: ChatMessage, by: int = 0) -> Report:
    return reports.report_make(
        auction=show.auction, reporter=user_of(show, by), reason=SPAM, entry=line.entry, text="Again."
    )


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return client


# --- Reporting -----------------------------------------------------------------------------------------


def test_a_line_is_reported_once_by_each(show):
    line = said(show)
    assert reported(show, line) == reported(show, line)
    assert reported(show, line, by=2) != reported(show, line)
    assert {(each.subject, each.line) for each in Report.objects.all()} == {(user_of(show, 1), line)}


def test_a_bidder_is_reported_by_their_paddle(show):
    made = reports.report_make(
        auction=show.auction, reporter=user_of(show, 0), reason=SPAM, paddle=show.bidders[1].paddle
    )
    again = reports.report_make(
        auction=show.auction, reporter=user_of(show, 0), reason=SPAM, paddle=show.bidders[1].paddle
    )
    assert (made.subject, made.line, again) == (user_of(show, 1), None, made)


def test_nobody_reports_themselves_nor_the_house_nor_too_much(show):
    own, host = said(show, who=0), said(show, number=2)
    ChatMessage.objects.filter(pk=host.pk).update(user=show.host)
    for line, code in ((own, "own"), (host, "own_team")):
        with pytest.raises(Refused) as refused:
            reported(show, line)
        assert refused.value.code == code
    codes = []
    for number in range(3, 10):
        try:
            reported(show, said(show, number=number))
        except Refused as error:
            codes.append(error.code)
    assert set(codes) == {"rate_limited"}


def test_who_may_not_see_the_show_reports_nothing(show):
    show.auction.visibility = "invite_only"
    show.auction.save()
    stranger = User.objects.create_user("s@example.test", "secret-enough")
    with pytest.raises(Refused, match="no such auction"):
        reports.report_make(auction=show.auction, reporter=stranger, reason=SPAM, paddle=show.bidders[1].paddle)


def test_the_rooms_page_reports_by_the_api(show):
    line = said(show)
    client = signed_in(user_of(show, 0))
    answer = client.post(
        f"/api/v1/auctions/{show.auction.pk}/reports/",
        {"entry": line.entry, "reason": "abuse", "text": "Rude."},
        content_type="application/json",
    )
    assert answer.status_code == 204
    assert Report.objects.get().reason == "abuse"
    assert 'id="report-sheet"' in client.get(f"/auctions/{show.auction.slug}/").content.decode()
    assert 'id="report-sheet"' not in Client().get(f"/auctions/{show.auction.slug}/").content.decode()


# --- The queue -----------------------------------------------------------------------------------------


def test_the_queue_shows_a_line_once_in_its_context(show, mo):
    lines = [said(show, number=number, text=f"line {number}") for number in range(1, 20)]
    reported(show, lines[9])
    reported(show, lines[9], by=2)
    queue = queue_of(mo)
    assert queue is not None
    (case,) = queue.cases
    assert case.count == 2
    assert [line.text for line in case.context] == [f"line {number}" for number in range(6, 15)]
    text = signed_in(mo).get("/host/moderation/").content.decode()
    assert "line 10" in text
    assert str(user_of(show, 0).email) not in text, "nobody is told who reported"


def test_a_house_knows_its_own_history_and_staff_everywhere(show, mo, staff):
    user, other = user_of(show, 1), Organizer.objects.create(name="Another", slug="another")
    elsewhere = type(show.auction).objects.create(organizer=other, title="x", slug="x", created_by=show.host)
    Mute.objects.create(auction=elsewhere, user=user, reason="abuse", created_by=show.host)
    Mute.objects.create(auction=show.auction, user=user, reason="spam", created_by=show.host)
    assert [mute.auction for mute in history_of(mo, user, show.auction).mutes] == [show.auction]
    assert len(history_of(staff, user, show.auction).mutes) == 2


def test_a_moderator_of_another_house_finds_nothing(show):
    report = reported(show, said(show))
    stranger = member(Organizer.objects.create(name="Another", slug="another"), Role.MODERATOR, "zoe")
    client = signed_in(stranger)
    assert "Buy my coins" not in client.get("/host/moderation/").content.decode()
    assert client.post(f"/host/moderation/reports/{report.pk}/", {"decision": "dismissed"}).status_code == 404
    assert client.post(f"/host/moderation/words/{show.auction.organizer_id}/", {"words": "x"}).status_code == 404
    assert signed_in(user_of(show, 0)).get("/host/moderation/").status_code == 404


# --- Decisions -----------------------------------------------------------------------------------------


def test_a_decision_settles_all_reports_of_the_line_and_is_written_down(show, mo):
    line = said(show)
    first, second = reported(show, line), reported(show, line, by=2)
    form = {"decision": "removed", "reason": "abuse", "note": "Third time."}
    signed_in(mo).post(f"/host/moderation/reports/{first.pk}/", form)
    assert {(each.decision, each.decided_by) for each in Report.objects.all()} == {("removed", mo)}
    line.refresh_from_db()
    assert (line.removed_by, line.removal_reason) == (mo, "abuse")
    entry = AuditEntry.objects.get(action="report_decide")
    assert (entry.actor, entry.subject, entry.reason, entry.note) == (mo, user_of(show, 1), "abuse", "Third time.")
    with pytest.raises(Refused, match="decided already"):
        reports.report_decide(report=second, actor=mo, decision=ReportDecision.DISMISSED, reason=SPAM)


def test_a_mute_from_the_queue_has_its_time(show, mo):
    reports.report_decide(report=reported(show, said(show)), actor=mo, decision=MUTED, reason=SPAM, minutes=60)
    mute = Mute.objects.get()
    assert mute.until is not None
    assert (mute.until - mute.created_at).total_seconds() == pytest.approx(3_600, abs=5)


def test_a_moderator_bans_nobody_and_only_administrators_ban_from_the_site(show, mo, staff):
    report = reported(show, said(show))
    for actor, decision in ((mo, "banned"), (mo, "barred"), (show.host, "barred")):
        with pytest.raises(Refused) as refused:
            reports.report_decide(report=report, actor=actor, decision=ReportDecision(decision), reason=SPAM)
        assert refused.value.code == "forbidden"
        report.refresh_from_db()
        assert report.decision == "open", "nothing of a refused decision stays"
    reports.report_decide(report=report, actor=staff, decision=ReportDecision.BARRED, reason=SPAM)
    assert not User.objects.get(pk=report.subject_id).is_active


def test_before_a_ban_it_is_said_what_they_lead_and_what_the_price_becomes(show):
    lot_open(lot=show.lots[0], actor=show.host)
    bid(show, 0, "20.00")
    bid(show, 1, "35.00")
    report = reported(show, said(show))
    text = signed_in(show.host).get(f"/host/moderation/reports/{report.pk}/").content.decode()
    assert "They hold 1 bid on the lot that is up." in text
    assert f"led by paddle {show.bidders[0].paddle}" in text


@pytest.fixture
def server(show: Show) -> Iterator[RoomServer]:
    with RoomServer() as running:
        yield running


@pytest.mark.parametrize("decision", ["banned", "barred"])
def test_a_ban_ends_socket_and_picture_and_stops_bids_at_once(show, server, staff, decision):
    lot_open(lot=show.lots[0], actor=show.host)
    report = reported(show, said(show))
    with (
        page(server, show.auction.pk, user=user_of(show, 1)) as seat,
        screen(server, show.auction.stream_channel_id, user=user_of(show, 1)) as watching,
    ):
        seat.next()
        watching.next()
        actor = show.host if decision == "banned" else staff
        reports.report_decide(report=report, actor=actor, decision=ReportDecision(decision), reason=SPAM)
        refused = bid(show, 1, "50.00")
        assert isinstance(refused, protocol.BidRejected)
        assert refused.code == "banned"
        assert seat.close_code() in (4401, 4403)
        assert watching.close_code() in (4401, 4403)


# --- Appeals -------------------------------------------------------------------------------------------


def test_who_was_muted_says_something_to_it_and_reads_the_answer(show, mo):
    address = f"/auctions/{show.auction.slug}/decided/"
    client = signed_in(user_of(show, 1))
    assert client.get(address).status_code == 404, "nothing was decided"
    reports.report_decide(report=reported(show, said(show)), actor=mo, decision=MUTED, reason=SPAM, note="private")
    text = client.get(address).content.decode()
    assert "You were muted: Spam." in text
    assert "private" not in text
    assert client.post(address, {"text": "It was a joke."}).status_code == 302
    assert client.post(address, {"text": "Once more."}).status_code == 422
    appeal = Appeal.objects.get()
    signed_in(mo).post(f"/host/moderation/appeals/{appeal.pk}/", {"answer": "Fine, then.", "granted": "on"})
    assert Mute.objects.get().lifted_by == mo
    assert "Fine, then." in client.get(address).content.decode()


def test_a_moderator_takes_no_ban_back(show, mo):
    reports.report_decide(report=reported(show, said(show)), actor=show.host, decision=BANNED, reason=SPAM)
    appeal = reports.appeal_make(auction=show.auction, user=user_of(show, 1), text="Please.")
    with pytest.raises(Refused, match="runs the auction"):
        reports.appeal_answer(appeal=appeal, actor=mo, granted=True, answer="Yes.")
    appeal.refresh_from_db()
    assert appeal.answered_at is None
    reports.appeal_answer(appeal=appeal, actor=show.host, granted=True, answer="Yes.")
    show.bidders[1].refresh_from_db()
    assert show.bidders[1].status == RegistrationStatus.APPROVED


# --- Words of a house ----------------------------------------------------------------------------------


def test_the_words_of_a_house_hold_in_its_rooms_beside_their_own(show, mo):
    signed_in(mo).post(f"/host/moderation/words/{show.auction.organizer_id}/", {"words": "coins\nstamp*"})
    words = chat_rules([show.auction.pk])[show.auction.pk].words
    assert words.blocks("Buy my Coins!")
    assert words.blocks("stamps")
    assert not words.blocks("coinage")
