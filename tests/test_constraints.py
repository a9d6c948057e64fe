"""The database itself refuses what must never be: each constraint against the row that breaks it.

Rows are changed by SQL (`update`) or inserted whole, past every form and service. A constraint without a bad row
here fails the last test.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.models import Follow, HostRequest, Membership, PushSubscription, Role, Strike, Trace, User
from auctions.models import (
    Auction,
    AuctionModerator,
    AuditEntry,
    FloorCommand,
    Invitation,
    Invoice,
    Lot,
    LotRun,
    LotWatch,
    Offer,
    Order,
    OrderEntry,
    OrderLine,
    Payment,
    PictureWatch,
    Refund,
    Registration,
    Reminder,
    Sale,
    ShippingProfile,
    StreamChannel,
    StreamRecording,
    TaxRule,
    TermsVersion,
    Upload,
    ViewerAddress,
)
from auctions.money import MAX_AMOUNT
from bidding.models import (
    Appeal,
    AudienceSample,
    Bid,
    ChatMessage,
    ChatRoom,
    DiscardedEntry,
    Event,
    Mute,
    Notification,
    Refusal,
    Report,
    SignedHead,
    SigningKey,
    SimulatedBidder,
)

pytestmark = pytest.mark.django_db

NOW = timezone.now()


class Rows:
    """One valid row of every kind, to be broken."""

    def __init__(self, auction, registration, other):
        self.auction, self.registration, self.other = auction, registration, other
        self.organizer = auction.organizer
        self.terms = auction.terms
        self.lot = auction.lots.first()
        self.second_lot = auction.lots.last()
        self.run = LotRun.objects.create(lot=self.lot, auction=auction, status="open")
        self.sale = Sale.objects.create(run=self.run, closing_number=1, buyer=registration, hammer_amount=500)
        self.order = Order.objects.create(auction=auction, buyer=registration)
        self.line = OrderLine.objects.create(order=self.order, kind="hammer", sale=self.sale, description="x", amount=1)
        self.delivery = OrderLine.objects.create(order=self.order, kind="delivery", description="x", amount=1)
        self.invoice = Invoice.objects.create(
            organizer=self.organizer, number=1, order=self.order, snapshot={}, total_amount=1
        )
        self.reported_line = ChatMessage.objects.create(
            auction=auction, user=registration.user, entry="7-7", author="x", text="x", at_ms=7
        )
        about = {"auction": auction, "reporter": other, "subject": registration.user, "reason": "spam"}
        self.report = Report.objects.create(line=self.reported_line, **about)
        self.bidder_report = Report.objects.create(**about)
        self.appeal = Appeal.objects.create(auction=auction, user=registration.user, text="x")
        self.sample = AudienceSample.objects.create(auction=auction, minute=1, people=2)
        self.audit = AuditEntry.objects.create(actor=other, action="lot_pause", outcome="done", door="desk")
        self.payment = Payment.objects.create(
            order=self.order, amount=5, method="bank", reference="R1", received_at=NOW
        )
        self.simulated = SimulatedBidder.objects.create(registration=registration, temper="eager")
        self.refund = Refund.objects.create(payment=self.payment, amount=1, reason="overpaid")
        self.entry = OrderEntry.objects.create(order=self.order, kind="reminded_soon", due_at=NOW, amount=1)
        self.offer = Offer.objects.create(
            run=self.run, registration=registration, kind="second_chance", amount=1, expires_at=NOW
        )
        self.bid = Bid.objects.create(
            run=self.run, registration=registration, amount=5, v=1, offer_v=1, offer_s=0, at_ms=1, bid_id="b1"
        )
        self.event = Event.objects.create(
            auction=auction, epoch="e", v=1, kind="K", at_ms=1, public="{}", private="{}", salt="", hash=""
        )
        self.discarded = DiscardedEntry.objects.create(auction=auction, epoch="e", v=1, kind="K", at_ms=1)
        self.refusal = Refusal.objects.create(
            auction=auction, registration=registration, entry="1-1", code="too_low", v=1, at_ms=1
        )
        self.chat = ChatMessage.objects.create(
            auction=auction, user=registration.user, entry="1-1", author="Paddle 101", text="hello", at_ms=1
        )
        self.chat_room = ChatRoom.objects.create(auction=auction)
        self.mute = Mute.objects.create(auction=auction, user=other, reason="spam", created_by=registration.user)
        self.notification = Notification.objects.create(
            user=other, auction=auction, run=self.run, kind="outbid", amount=1, v=1, at_ms=1
        )
        self.win = Notification.objects.create(user=other, auction=auction, kind="won", amount=1, at_ms=1)
        self.lot_watch = LotWatch.objects.create(user=other, lot=self.lot)
        self.reminder = Reminder.objects.create(user=other, auction=auction)
        self.follow = Follow.objects.create(user=other, organizer=self.organizer)
        self.device = PushSubscription.objects.create(
            user=other, endpoint="https://push.test/1", public_key="p", secret="s"
        )
        key = SigningKey.objects.create()
        self.head = SignedHead.objects.create(auction=auction, v=1, epoch="e", hash="h", key=key, signature="s")
        self.shipping = ShippingProfile.objects.create(organizer=self.organizer, name="Parcel")
        self.command = FloorCommand.objects.create(auction=auction, kind="lot")
        self.tax = TaxRule.objects.create(organizer=self.organizer, name="VAT")
        self.invitation = Invitation.objects.create(auction=auction, email="g@example.test")
        self.user_invitation = Invitation.objects.create(auction=auction, user=other)
        self.membership = Membership.objects.create(organizer=self.organizer, user=other, role=Role.CLERK)
        self.moderator = AuctionModerator.objects.create(auction=auction, email="m@example.test", created_by=other)
        self.host_request = HostRequest.objects.create(user=other, house="House", about="Lamps.")
        self.recording = StreamRecording.objects.create(
            channel=auction.stream_channel, bucket="recordings", prefix="ivs/v1/1", started_at=NOW
        )
        self.watch = PictureWatch.objects.create(auction=auction)
        self.address = ViewerAddress.objects.create(auction=auction, user=other, sign_in="{}")
        self.strike = Strike.objects.create(user=other, reason="unpaid", expires_at=NOW, created_by=other)
        self.upload = Upload.objects.create(lot=self.lot, created_by=other, key="k", content_type="image/png")
        self.trace = Trace.objects.create(user=other, kind="device", digest="d")


@pytest.fixture
def rows(live_auction, registration, bidder2):
    return Rows(live_auction, registration, bidder2)


def change(row, **values):
    type(row).objects.filter(pk=row.pk).update(**values)


def again(row, **values):
    """Insert a copy of a row with these values."""
    fields = {
        field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.primary_key
    }
    type(row).objects.bulk_create([type(row)(**(fields | values))])


def second_live_on_one_channel(rows):
    again(rows.auction, slug="another")


def lot_amount(name: str, value: int) -> Callable[[Any], None]:
    return lambda r: change(r.lot, **{name: value})


LOT_AMOUNTS = ("opening_amount", "reserve_amount", "buy_now_amount", "cap_amount", "estimate_low", "estimate_high")
BROKEN: dict[str, list[Callable[[Any], None]]] = {
    "terms_number_once": [lambda r: again(r.terms)],
    "stream_channel_external_id_once": [lambda r: again(r.auction.stream_channel)],
    "streamrecording_once": [lambda r: again(r.recording)],
    "streamrecording_of_a_show": [lambda r: change(r.recording, bucket="")],
    "auction_status_known": [lambda r: change(r.auction, status="asleep")],
    "auction_visibility_known": [lambda r: change(r.auction, visibility="secret")],
    "auction_entry_known": [lambda r: change(r.auction, entry="blood")],
    "auction_currency_known": [lambda r: change(r.auction, currency_code="XXX")],
    "auction_premium_at_most_all": [lambda r: change(r.auction, buyer_premium_bp=10_001)],
    "auction_has_terms_when_scheduled": [lambda r: change(r.auction, terms=None)],
    "auction_one_live_a_channel": [second_live_on_one_channel],
    "auction_most_strikes_positive": [lambda r: change(r.auction, most_strikes=0)],
    "vieweraddress_once_a_sign_in": [lambda r: again(r.address)],
    "auction_lost_pause_in_range": [
        lambda r: change(r.auction, lost_pause_s=4),
        lambda r: change(r.auction, lost_pause_s=121),
    ],
    "picturewatch_answers_a_loss": [lambda r: change(r.watch, answered_at=NOW)],
    "auction_amounts_in_range": [
        lambda r: change(r.auction, new_bidder_limit=-1),
        lambda r: change(r.auction, new_bidder_limit=MAX_AMOUNT + 1),
    ],
    "auctionmoderator_once": [lambda r: again(r.moderator)],
    "hostrequest_one_open_a_user": [lambda r: again(r.host_request)],
    "hostrequest_answered_by_somebody": [
        lambda r: change(r.host_request, status="granted"),
        lambda r: change(r.host_request, status="declined", answered_at=NOW),
        lambda r: change(r.host_request, answered_by=r.other),
        lambda r: change(r.host_request, status="x", answered_by=r.other, answered_at=NOW),
    ],
    "strike_reason_known": [lambda r: change(r.strike, reason="x")],
    "strike_lifted_by_somebody": [
        lambda r: change(r.strike, lifted_at=NOW),
        lambda r: change(r.strike, lifted_by=r.other),
    ],
    "trace_once": [lambda r: again(r.trace)],
    "trace_kind_known": [lambda r: change(r.trace, kind="x")],
    "invitation_names_somebody": [lambda r: change(r.invitation, email="", user=None)],
    "invitation_email_once": [lambda r: again(r.invitation)],
    "invitation_user_once": [lambda r: again(r.user_invitation)],
    "taxrule_rate_at_most_all": [lambda r: change(r.tax, rate_bp=10_001)],
    "shippingprofile_amounts_in_range": [
        lambda r: change(r.shipping, first_item=-1),
        lambda r: change(r.shipping, each_further=MAX_AMOUNT + 1),
    ],
    "shippingprofile_currency_known": [lambda r: change(r.shipping, currency_code="XXX")],
    "floorcommand_kind_known": [lambda r: change(r.command, kind="shout")],
    "lot_number_once_an_auction": [lambda r: change(r.second_lot, number="1")],
    "lot_status_known": [lambda r: change(r.lot, status="gone")],
    "lot_extension_mode_known": [lambda r: change(r.lot, extension_mode="x")],
    "lot_amounts_in_range": [
        lot_amount(name, value)
        for name in (
            "opening_amount",
            "reserve_amount",
            "buy_now_amount",
            "cap_amount",
            "estimate_low",
            "estimate_high",
        )
        for value in (-1, MAX_AMOUNT + 1)
    ],
    "lot_opening_above_zero": [lambda r: change(r.lot, opening_amount=0)],
    "lot_quantity_above_zero": [lambda r: change(r.lot, quantity=0)],
    "lot_duration_in_range": [
        lambda r: change(r.lot, duration_ms=999),
        lambda r: change(r.lot, duration_ms=86_400_000 * 30 + 1),
    ],
    "lot_extension_in_range": [
        lambda r: change(r.lot, window_ms=3_600_001),
        lambda r: change(r.lot, extension_ms=3_600_001),
        lambda r: change(r.lot, extension_cap=1_001),
    ],
    "lot_estimate_in_order": [lambda r: change(r.lot, estimate_low=5, estimate_high=4)],
    "lot_buy_now_above_opening": [lambda r: change(r.lot, buy_now_amount=10_000)],
    "lot_buy_now_not_below_reserve": [lambda r: change(r.lot, buy_now_amount=20_000, reserve_amount=30_000)],
    "lotrun_attempt_once": [lambda r: again(r.run, status="pending")],
    "lotrun_one_open_an_auction": [
        lambda r: again(r.run, lot_id=r.second_lot.pk),
        lambda r: again(r.run, lot_id=r.second_lot.pk, status="paused"),
    ],
    "lotrun_status_known": [lambda r: change(r.run, status="gone", result="gone")],
    "lotrun_amounts_in_range": [lambda r: change(r.run, hammer_amount=-1)],
    "lotrun_sold_to_somebody": [
        lambda r: change(r.run, status="sold", result="sold", hammer_amount=5),
        lambda r: change(r.run, status="sold", result="sold", winner=r.registration),
        lambda r: change(r.run, status="sold", result="sold", winner=r.registration, hammer_amount=0),
    ],
    "lotrun_status_fits_result": [
        lambda r: change(r.run, result="passed"),
        lambda r: change(r.run, status="passed"),
        lambda r: change(r.run, status="passed", result="withdrawn"),
    ],
    "registration_paddle_once": [lambda r: again(r.registration, user_id=r.other.pk)],
    "registration_user_once": [lambda r: again(r.registration, paddle=102)],
    "registration_paddle_from_101": [lambda r: change(r.registration, paddle=100)],
    "registration_online_has_user": [lambda r: change(r.registration, user=None)],
    "registration_approved_accepted_terms": [
        lambda r: change(r.registration, terms=None),
        lambda r: change(r.registration, terms_accepted_at=None),
    ],
    "registration_status_known": [lambda r: change(r.registration, status="x")],
    "registration_kind_known": [lambda r: change(r.registration, kind="x")],
    "simulatedbidder_temper_known": [lambda r: change(r.simulated, temper="x")],
    "registration_amounts_in_range": [lambda r: change(r.registration, spending_limit=-1)],
    "sale_one_active_a_run": [
        lambda r: again(r.sale, closing_number=2),
        lambda r: again(r.sale, closing_number=2, status="final"),
    ],
    "sale_once_a_closing": [lambda r: again(r.sale, status="void")],
    "sale_above_zero": [lambda r: change(r.sale, hammer_amount=0)],
    "sale_status_known": [lambda r: change(r.sale, status="x")],
    "sale_amounts_in_range": [
        lambda r: change(r.sale, hammer_amount=MAX_AMOUNT + 1),
        lambda r: change(r.sale, premium_amount=-1),
        lambda r: change(r.sale, tax_amount=MAX_AMOUNT + 1),
    ],
    "offer_one_open_a_run": [lambda r: again(r.offer)],
    "offer_accepted_is_a_sale": [
        lambda r: change(r.offer, answer="accepted"),
        lambda r: change(r.offer, sale=r.sale),
    ],
    "orderentry_reminded_once_a_date": [lambda r: again(r.entry)],
    "orderentry_reminder_has_a_date": [lambda r: change(r.entry, due_at=None)],
    "orderentry_kind_known": [lambda r: change(r.entry, kind="x")],
    "orderentry_amounts_in_range": [lambda r: change(r.entry, amount=MAX_AMOUNT + 1)],
    "offer_above_zero": [lambda r: change(r.offer, amount=0)],
    "offer_kind_known": [lambda r: change(r.offer, kind="x")],
    "offer_answer_known": [lambda r: change(r.offer, answer="x")],
    "offer_amounts_in_range": [lambda r: change(r.offer, amount=MAX_AMOUNT + 1)],
    "order_one_awaiting_a_buyer": [lambda r: again(r.order)],
    "order_status_known": [lambda r: change(r.order, status="x")],
    "orderline_once_a_sale": [lambda r: again(r.line)],
    "orderline_one_delivery": [lambda r: again(r.delivery)],
    "orderline_of_a_sale_names_it": [lambda r: change(r.line, sale=None)],
    "orderline_kind_known": [lambda r: change(r.line, kind="x")],
    "orderline_amounts_in_range": [lambda r: change(r.line, amount=-1)],
    "invoice_number_once": [lambda r: again(r.invoice)],
    "invoice_credit_note_names_invoice": [
        lambda r: change(r.invoice, kind="credit_note"),
        lambda r: change(r.invoice, credits_id=r.invoice.pk),
    ],
    "invoice_amounts_in_range": [lambda r: change(r.invoice, total_amount=-1)],
    "payment_reference_once": [lambda r: again(r.payment)],
    "payment_above_zero": [lambda r: change(r.payment, amount=0)],
    "payment_amounts_in_range": [lambda r: change(r.payment, amount=MAX_AMOUNT + 1)],
    "refund_reason_known": [lambda r: change(r.refund, reason="x")],
    "refund_above_zero": [lambda r: change(r.refund, amount=0)],
    "refund_amounts_in_range": [lambda r: change(r.refund, amount=MAX_AMOUNT + 1)],
    "event_version_once": [lambda r: again(r.event)],
    "bid_version_once": [lambda r: again(r.bid, bid_id="")],
    "bid_id_once": [lambda r: again(r.bid, v=2)],
    "bid_above_zero": [lambda r: change(r.bid, amount=0)],
    "bid_channel_known": [lambda r: change(r.bid, channel="x")],
    "bid_amounts_in_range": [lambda r: change(r.bid, amount=MAX_AMOUNT + 1)],
    "discardedentry_once": [lambda r: again(r.discarded)],
    "refusal_entry_once": [lambda r: again(r.refusal)],
    "signedhead_version_once": [lambda r: again(r.head)],
    "chatmessage_entry_once": [lambda r: again(r.chat)],
    "chatmessage_removed_with_reason": [
        lambda r: change(r.chat, removed_at=NOW),
        lambda r: change(r.chat, removed_at=NOW, removed_by=r.other, removal_reason="because"),
        lambda r: change(r.chat, removal_reason="spam"),
    ],
    "chatroom_slow_mode_in_range": [lambda r: change(r.chat_room, slow_mode_s=601)],
    "auditentry_door_known": [lambda r: change(r.audit, door="window")],
    "auditentry_has_outcome": [lambda r: change(r.audit, outcome="")],
    "audiencesample_once_a_minute": [lambda r: again(r.sample)],
    "report_once_a_line": [lambda r: again(r.report)],
    "report_once_a_bidder": [lambda r: again(r.bidder_report)],
    "report_reason_known": [lambda r: change(r.report, reason="because")],
    "report_decided_by_somebody": [
        lambda r: change(r.report, decision="dismissed"),
        lambda r: change(r.report, decision="asleep"),
        lambda r: change(r.report, decided_by=r.other, decided_at=NOW),
    ],
    "appeal_one_open": [lambda r: again(r.appeal)],
    "appeal_answered_by_somebody": [
        lambda r: change(r.appeal, granted=True),
        lambda r: change(r.appeal, answered_by=r.other, answered_at=NOW),
    ],
    "mute_one_at_a_time": [lambda r: again(r.mute)],
    "mute_reason_known": [lambda r: change(r.mute, reason="because")],
    "notification_once_a_run": [lambda r: again(r.notification)],
    "notification_once_an_auction": [lambda r: again(r.win)],
    "notification_fits_its_kind": [
        lambda r: change(r.notification, kind="news"),
        lambda r: change(r.notification, run=None),
        lambda r: change(r.notification, amount=None),
        lambda r: change(r.win, amount=None),
        lambda r: change(r.win, run=r.run),
        lambda r: change(r.win, kind="reminder"),
        lambda r: change(r.win, kind="scheduled"),
    ],
    "lotwatch_once": [lambda r: again(r.lot_watch)],
    "reminder_once": [lambda r: again(r.reminder)],
    "follow_once": [lambda r: again(r.follow)],
    "pushsubscription_over_https": [lambda r: change(r.device, endpoint="http://push.test/1")],
    "upload_status_known": [lambda r: change(r.upload, status="gone")],
    "notification_amounts_in_range": [lambda r: change(r.notification, amount=-1)],
    "membership_once": [lambda r: again(r.membership)],
    "membership_role_known": [lambda r: change(r.membership, role="king")],
    "user_email_once_whatever_case": [lambda r: again(r.other, email="BIDDER1@example.test")],
    "user_email_set_or_null": [lambda r: change(r.other, email="")],
}


@pytest.mark.parametrize(
    ("name", "index"), [(name, index) for name, breakers in BROKEN.items() for index in range(len(breakers))]
)
def test_the_database_refuses(rows, name, index):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BROKEN[name][index](rows)
    # SQLite names the columns of a unique constraint instead.
    assert name in str(refused.value) or "UNIQUE" in str(refused.value)


def test_the_rows_that_are_broken_above_are_valid_before(rows):
    for row in vars(rows).values():
        if isinstance(row, models.Model):
            change(row, **{row._meta.pk.attname: row.pk})


def test_what_ended_may_share_a_channel_with_what_is_live(rows):
    again(rows.auction, slug="another", status="ended")


def test_a_second_sale_of_a_run_follows_when_the_first_is_void(rows):
    change(rows.sale, status="void")
    again(rows.sale, closing_number=2)


def test_a_floor_bidder_needs_no_account(rows):
    Registration.objects.create(auction=rows.auction, kind="floor", paddle=500)
    Registration.objects.create(auction=rows.auction, kind="phone", paddle=501)


@pytest.mark.parametrize("table", [Auction, Lot, LotRun, Registration, Sale, Order, User, TermsVersion, StreamChannel])
def test_what_something_else_points_to_is_never_deleted(rows, table):
    row = {
        Auction: rows.auction,
        Lot: rows.lot,
        LotRun: rows.run,
        Registration: rows.registration,
        Sale: rows.sale,
        Order: rows.order,
        User: rows.registration.user,
        TermsVersion: rows.terms,
        StreamChannel: rows.auction.stream_channel,
    }[table]
    with pytest.raises(models.ProtectedError):
        row.delete()


def test_no_key_to_a_person_a_bid_or_a_sale_lets_it_vanish():
    keys = [
        field
        for label in ("accounts", "auctions", "bidding")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if field.is_relation and field.related_model in (User, Registration, Bid, Sale, LotRun, Auction)
    ]
    assert len(keys) > 20
    assert [str(key) for key in keys if key.remote_field.on_delete is not models.PROTECT] == []


def test_every_constraint_of_every_model_has_a_bad_row_here():
    named = {
        constraint.name
        for label in ("accounts", "auctions", "bidding")
        for model in apps.get_app_config(label).get_models()
        for constraint in model._meta.constraints
    }
    assert named - set(BROKEN) == set()
