"""The morning after: one order of all that was won, its delivery, and invoices that equal the record."""

from datetime import timedelta
from io import BytesIO

import fontpkg_noto_sans
import fontpkg_noto_sans_arabic
import pytest
from django.urls import reverse
from pypdf import PdfReader

from accounts.languages import language_set
from accounts.models import Membership, Organizer, Role, User
from auctions import billing
from auctions.billing import auction_invoice, bill_of, invoice_credit, invoice_issue, paper_of
from auctions.errors import Refused
from auctions.models import (
    Auction,
    Invoice,
    InvoiceKind,
    Lot,
    Order,
    OrderLine,
    OrderStatus,
    Payment,
    ShippingProfile,
    TaxRule,
)
from auctions.money import format_amount
from auctions.sales import order_set_delivery
from bidding.services import auction_end
from bidding.signing import public_keys
from bidding.tests.evenings import ANNA, Evening
from bidding.verification import verify_record

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "Anna Arendt\n7 Chestnut Row\n10115 Berlin"


@pytest.fixture
def after(make_show):
    """Return a show that is over: paddle 101 won both lots at 20.00 and 35.00, with premium, tax and delivery."""
    return play(make_show)


def play(make_show, amounts=("20.00", "35.00"), **fields):
    show = make_show(**fields)
    organizer = show.auction.organizer
    Organizer.objects.filter(pk=organizer.pk).update(
        address="1 Mill Lane\n20095 Hamburg",
        tax_id="DE123456789",
        payment_instructions="IBAN DE02 1203 0000 0000 2020 51",
    )
    tax = TaxRule.objects.create(organizer=organizer, name="VAT 19 %", rate_bp=1_900, on_hammer=False)
    box = ShippingProfile.objects.create(
        organizer=organizer,
        name="Box",
        first_item=590,
        each_further=150,
        currency_code=show.auction.currency_code,
    )
    Lot.objects.filter(auction=show.auction).update(tax_rule=tax, shipping=box)
    User.objects.filter(pk=show.bidders[0].user_id).update(display_name="Anna Arendt", delivery_address=ADDRESS)
    evening = Evening(show)
    for number, amount in enumerate(amounts):
        evening.open(number)
        evening.bid(ANNA, amount)
        evening.close_by_time(number)
        show.store()
    auction_end(auction=show.auction, actor=show.host)
    show.store()
    return show


def text_of(response):
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(response.content)).pages)


def fonts_of(response):
    found = PdfReader(BytesIO(response.content)).pages[0]["/Resources"]["/Font"].values()
    return {font.get_object()["/BaseFont"] for font in found}


def papers(order):
    return [(paper.number, paper.kind, paper.total_amount) for paper in order.invoices.order_by("number")]


def test_one_order_has_all_lots_one_delivery_one_total_and_a_day_to_pay(after):
    order = Order.objects.get()
    bill = bill_of(order)

    # 20 % premium; the tax falls on the premium alone: 76 of 400, and 133 of 700.
    assert [(lot.hammer, lot.premium, lot.tax) for lot in bill.lots] == [(2_000, 400, 76), (3_500, 700, 133)]
    assert [(extra.kind, extra.amount) for extra in bill.extras] == [("delivery", 590 + 150)]
    assert bill.total == 2_476 + 4_333 + 740
    assert [(tax.rate_bp, tax.taxable, tax.tax) for tax in bill.taxes] == [(1_900, 1_100, 209)]
    assert bill.untaxed == 5_500 + 740
    after.auction.refresh_from_db()
    assert order.due_at == after.auction.ended_at + timedelta(days=7)


def test_the_end_of_a_show_invoices_each_order_once(after):
    order = Order.objects.get()
    assert papers(order) == [(1, InvoiceKind.INVOICE, 7_549)]

    auction_invoice(auction=after.auction, ended_at=after.auction.ended_at)

    assert papers(order) == [(1, InvoiceKind.INVOICE, 7_549)]


def test_a_rehearsal_uses_up_no_number(after):
    Invoice.objects.all().delete()
    Order.objects.update(due_at=None)
    Auction.objects.update(is_rehearsal=True)
    after.auction.refresh_from_db()

    auction_invoice(auction=after.auction, ended_at=after.auction.ended_at)

    assert not Invoice.objects.exists()
    assert Order.objects.get().due_at is None


def test_the_invoice_equals_the_order_and_the_signed_record(after, client):
    order = Order.objects.get()
    paper = paper_of(order.invoices.get())
    assert paper.bill == bill_of(order)
    for lot, billed in zip(after.lots, paper.bill.lots, strict=True):
        record = client.get(reverse("api-lot-record", args=(lot.pk,))).json()
        assert verify_record(record, keys=public_keys()).problem is None
        assert record["runs"][-1]["amount"] == format_amount(billed.hammer, 2)


def test_an_invoice_stays_as_it_was_issued(after):
    invoice = Invoice.objects.get()
    Organizer.objects.update(name="Another Name", address="Elsewhere")
    Lot.objects.update(title="Another title")
    User.objects.update(display_name="Somebody")

    paper = paper_of(Invoice.objects.get())

    assert (paper.seller.name, paper.buyer.name) == ("Northern Auctions", "Anna Arendt")
    assert "Another title" not in str(invoice.snapshot)


def test_a_credit_note_takes_an_invoice_back_once(after):
    invoice = Invoice.objects.get()
    note = invoice_credit(invoice=invoice)

    assert (note.number, note.kind, note.credits, note.total_amount) == (2, "credit_note", invoice, 7_549)
    assert invoice_credit(invoice=invoice) == note
    with pytest.raises(Refused):
        invoice_credit(invoice=note)


def test_a_number_that_was_rolled_back_is_given_again(after, monkeypatch):
    order = Order.objects.get()
    real = Invoice.objects.create

    def fail(**values):
        if values["kind"] == InvoiceKind.INVOICE:
            raise OSError("the disk is full")
        return real(**values)

    OrderLine.objects.filter(order=order, kind="delivery").update(amount=0)
    monkeypatch.setattr(Invoice.objects, "create", fail)
    with pytest.raises(OSError, match="full"):
        invoice_issue(order=order)
    monkeypatch.undo()

    invoice_issue(order=order)

    assert [number for number, _kind, _total in papers(order)] == [1, 2, 3]


def test_who_picks_up_pays_no_delivery_and_gets_a_new_invoice(after, client):
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)

    assert client.post(reverse("order", args=(order.pk,)), {"delivery": "pick_up"}).status_code == 302

    order.refresh_from_db()
    assert order.pick_up
    assert papers(order) == [(1, "invoice", 7_549), (2, "credit_note", 7_549), (3, "invoice", 6_809)]


def test_a_parcel_goes_to_another_address_and_nowhere_without_one(after, client):
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)
    path = reverse("order", args=(order.pk,))

    refused = client.post(path, {"delivery": "other", "delivery_address": " "})
    assert refused.status_code == 422
    assert refused.context["refused"].field == "delivery_address"
    assert client.post(path, {"delivery": "other", "delivery_address": "9 New Road"}).status_code == 302
    order.refresh_from_db()
    assert order.delivery_address == "9 New Road"
    assert client.post(path, {"delivery": "profile"}).status_code == 302
    order.refresh_from_db()
    assert order.delivery_address == ADDRESS


def test_nobody_uses_up_the_numbers_of_a_house(after):
    order, user = Order.objects.get(), after.bidders[0].user
    for turn in range(billing.MOST_INVOICES - 1):
        order_set_delivery(order=order, actor=user, pick_up=turn % 2 == 0, address=ADDRESS)
    before = papers(order)

    with pytest.raises(Refused, match="write to the house"):
        order_set_delivery(order=order, actor=user, pick_up=True)

    assert papers(order) == before


def test_what_is_paid_keeps_its_bill_and_what_is_sent_its_address(after):
    order, user = Order.objects.get(), after.bidders[0].user
    Order.objects.update(status=OrderStatus.PAID)
    with pytest.raises(Refused):
        order_set_delivery(order=order, actor=user, pick_up=True)
    order_set_delivery(order=order, actor=user, pick_up=False, address="9 New Road")
    assert len(papers(order)) == 1

    Order.objects.update(status=OrderStatus.SENT)
    with pytest.raises(Refused):
        order_set_delivery(order=order, actor=user, pick_up=False, address="10 New Road")
    order.refresh_from_db()
    assert order.delivery_address == "9 New Road"


def test_lots_that_are_only_picked_up_go_into_no_parcel(after, client):
    ShippingProfile.objects.update(pick_up_only=True)
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)

    response = client.post(reverse("order", args=(order.pk,)), {"delivery": "other", "delivery_address": ADDRESS})

    assert response.status_code == 422
    assert 'value="other"' not in response.content.decode()


def test_the_house_sees_an_order_and_does_not_choose_its_delivery(after, client):
    order = Order.objects.get()
    client.force_login(after.host)
    path = reverse("order", args=(order.pk,))

    assert 'name="delivery"' not in client.get(path).content.decode()
    assert client.post(path, {"delivery": "pick_up"}).status_code == 422


@pytest.mark.parametrize(("role", "status"), [(Role.FINANCE, 200), (Role.AUCTIONEER, 200), (Role.MODERATOR, 404)])
def test_an_order_exists_for_its_buyer_and_those_who_handle_the_money(after, client, role, status):
    order = Order.objects.get()
    paths = [
        reverse("order", args=(order.pk,)),
        reverse("invoice", args=(order.pk, 1)),
        reverse("invoice_pdf", args=(order.pk, 1)),
    ]
    person = User.objects.create_user("somebody@example.test", "secret-enough")
    client.force_login(person)
    assert [client.get(path).status_code for path in paths] == [404] * 3

    Membership.objects.create(user=person, organizer=after.auction.organizer, role=role)
    assert [client.get(path).status_code for path in paths] == [status] * 3
    client.force_login(after.bidders[1].user)
    assert [client.get(path).status_code for path in paths] == [404] * 3
    client.force_login(after.bidders[0].user)
    assert [client.get(path).status_code for path in paths] == [200] * 3
    assert client.get(reverse("invoice", args=(order.pk, 2))).status_code == 404


@pytest.mark.parametrize(
    ("status", "pick_up", "states"),
    [
        ("awaiting_payment", False, ["now", "to come", "to come", "to come"]),
        ("paid", False, ["done", "done", "to come", "to come"]),
        ("sent", False, ["done", "done", "done", "to come"]),
        ("sent", True, ["done", "done", "done", "to come"]),
        ("done", False, ["done"] * 4),
        ("unpaid", False, ["missed", "to come", "to come", "to come"]),
        ("cancelled", False, []),
    ],
)
def test_every_state_of_an_order_is_shown(after, client, status, pick_up, states):
    Order.objects.update(status=status, pick_up=pick_up)
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)

    response = client.get(reverse("order", args=(order.pk,)))

    page = response.context["page"]
    assert [step.state for step in page.steps] == states
    assert (page.to_pay > 0) == (status in ("awaiting_payment", "unpaid"))
    assert ("Ready for you" in response.content.decode()) == pick_up
    assert ("Cancelled" in response.content.decode()) == (status == "cancelled")


def test_what_came_in_is_no_more_to_be_paid(after, client):
    order = Order.objects.get()
    Payment.objects.create(order=order, amount=549, method="transfer", received_at=order.created_at)
    client.force_login(after.bidders[0].user)

    assert client.get(reverse("order", args=(order.pk,))).context["page"].to_pay == 7_000


def test_the_page_and_the_file_of_an_invoice_say_the_same(after, client):
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)
    page = client.get(reverse("invoice", args=(order.pk, 1))).content.decode()
    response = client.get(reverse("invoice_pdf", args=(order.pk, 1)))
    text = text_of(response)

    assert response["Content-Type"] == "application/pdf"
    assert "no-store" in response["Cache-Control"]
    for words in (
        "Invoice 1",
        "Northern Auctions",
        "DE123456789",
        "Anna Arendt",
        "7 Chestnut Row",
        "Pay by",
        "IBAN DE02",
    ):
        assert words in text
        assert words in page
    for amount in ("€20.00", "€4.00", "€0.76", "€24.76", "€7.40", "€75.49", "€11.00", "€2.09", "€62.40"):
        assert amount in text
        assert amount in page


def test_an_invoice_is_in_the_language_that_its_reader_chose(after, client):
    language_set(user=after.bidders[0].user, language="de")
    client.force_login(after.bidders[0].user)
    text = text_of(client.get(reverse("invoice_pdf", args=(Order.objects.get().pk, 1))))
    for words in ("Rechnung 1", "75,49\N{NO-BREAK SPACE}€", "Zahlbar bis"):
        assert words in text
    for words in ("Invoice", "Pay by", "€75"):
        assert words not in text


def test_a_credit_note_says_what_it_takes_back(after, client):
    order = Order.objects.get()
    invoice_credit(invoice=Invoice.objects.get())
    client.force_login(after.bidders[0].user)

    text = text_of(client.get(reverse("invoice_pdf", args=(order.pk, 2))))
    page = client.get(reverse("invoice", args=(order.pk, 2))).content.decode()

    for words in ("Credit note 2", "It takes invoice 1 back.", "\N{MINUS SIGN}€75.49"):
        assert words in text
        assert words in page
    assert "IBAN" not in text
    assert "Taken back by credit note 2" in client.get(reverse("invoice", args=(order.pk, 1))).content.decode()


@pytest.mark.parametrize(
    ("code", "amounts", "shown"),
    [("JPY", ("2000", "3500"), "¥7,549"), ("KWD", ("2.000", "3.500"), "KD\N{NO-BREAK SPACE}7.549")],
)
def test_an_invoice_knows_currencies_without_cents_and_with_three(make_show, client, code, amounts, shown):
    show = play(make_show, amounts, currency_code=code)
    client.force_login(show.bidders[0].user)

    text = text_of(client.get(reverse("invoice_pdf", args=(Order.objects.get().pk, 1))))

    assert shown in text


def test_long_titles_wrap_and_other_scripts_are_drawn(make_show, client):
    show = make_show()
    order = Order.objects.create(
        auction=show.auction, buyer=show.bidders[0], delivery_address="ул. Мира 5\nΔέλφ\nशांति मार्ग"
    )
    User.objects.filter(pk=show.bidders[0].user_id).update(display_name="Łukasz Żółć")
    OrderLine.objects.create(order=order, kind="fee", description="Long " * 39, amount=1)
    OrderLine.objects.create(order=order, kind="fee", description="W" * 200, amount=2)
    Auction.objects.filter(pk=show.auction.pk).update(title="سهرة الجمعة")
    order.refresh_from_db()
    invoice_issue(order=order)
    client.force_login(show.bidders[0].user)

    response = client.get(reverse("invoice_pdf", args=(order.pk, 1)))
    text = text_of(response)

    for words in ("Łukasz Żółć", "ул. Мира 5", "Δέλφ", "शांति"):
        assert words in text
    assert text.replace("\n", "").count("W" * 200) == 1
    assert "W" * 200 not in text, "an endless word is broken at the edge"
    assert any("Arabic" in name for name in fonts_of(response))


def test_who_gave_no_name_is_named_by_the_paddle(after, client):
    User.objects.update(display_name="")
    invoice_issue(order=Order.objects.get())
    client.force_login(after.bidders[0].user)
    order = Order.objects.get()

    assert "To\nPaddle 101\n" in text_of(client.get(reverse("invoice_pdf", args=(order.pk, 3))))
    assert "<strong>Paddle 101</strong>" in client.get(reverse("invoice", args=(order.pk, 3))).content.decode()


def test_a_house_of_another_script_brings_its_font(after, client, settings, monkeypatch):
    """As if Arabic were one of those: its font is given by the setting alone."""
    arabic = fontpkg_noto_sans_arabic.ROOT
    monkeypatch.setattr(fontpkg_noto_sans_arabic, "ROOT", fontpkg_noto_sans.ROOT)
    User.objects.update(display_name="سهرة")
    order = Order.objects.get()
    invoice_issue(order=order)
    client.force_login(after.bidders[0].user)
    path = reverse("invoice_pdf", args=(order.pk, 3))

    assert not any("Arabic" in name for name in fonts_of(client.get(path)))
    settings.INVOICE_FONTS = [str(next((arabic / "files").glob("*.ttf")))]
    assert any("Arabic" in name for name in fonts_of(client.get(path)))


def test_an_order_takes_as_many_queries_for_many_lots_as_for_two(after, client, django_assert_max_num_queries):
    order = Order.objects.get()
    client.force_login(after.bidders[0].user)
    client.get(reverse("order", args=(order.pk,)))  # the first page of a session notes where it is used

    with django_assert_max_num_queries(14):
        assert client.get(reverse("order", args=(order.pk,))).status_code == 200
