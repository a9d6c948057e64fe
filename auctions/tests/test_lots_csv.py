"""Lots from a file: every error by line and column, nothing before it is told, and out again as it came in."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import translation

from auctions import services
from auctions.errors import Refused
from auctions.lots_csv import COLUMNS, MAX_BYTES, read_lots, write_lots
from auctions.models import Auction, AuditEntry, Category, Consignor, FloorCommand, Lot, ShippingProfile, TaxRule
from auctions.run_of_show import lots_import
from auctions.selectors import catalogue
from auctions.services import LotChanges, LotSpec

pytestmark = pytest.mark.django_db
HEAD = "number,title,opening_bid,reserve,ends,seconds\n"


def problems(auction, text):
    return [(each.line, each.column) for each in read_lots(text, auction).problems]


@pytest.fixture
def page(client, host, draft_auction):
    client.force_login(host)
    return reverse("host_import", args=(draft_auction.pk,))


def bring(actor, auction, text):
    """Import a file that was shown just now."""
    reading = read_lots(text, auction)
    assert reading.problems == []
    return lots_import(actor=actor, auction=auction, lots=reading.lots, shown_among=reading.among)


def five_hundred():
    """Return a file of 500 lots of which 20 are broken, and the lines and columns that are."""
    broken = [
        ("opening_bid", "{n},Thing {n},dear,,classic,60"),
        ("title", '{n},"  ",5.00,,classic,60'),
        ("ends", "{n},Thing {n},5.00,,endless,60"),
        ("number", "1,Thing {n},5.00,,classic,60"),
        ("seconds", "{n},Thing {n},5.00,,classic,soon"),
    ]
    lines: list[str] = []
    wrong: list[tuple[int, str]] = []
    for n in range(10, 510):
        line = len(lines) + 2
        if n % 25 == 0:
            column, pattern = broken[(n // 25) % len(broken)]
            wrong.append((line, column))
            lines.append(pattern.format(n=n))
        else:
            lines.append(f'{n},"Thing {n}, in a box",5.00,7.50,flash,45')
    return HEAD + "\n".join(lines), wrong


def test_five_hundred_lots_with_twenty_broken_lines_say_which_and_why_and_import_nothing_until_told(
    client, page, host, draft_auction
):
    text, wrong = five_hundred()
    assert len(wrong) == 20
    file = SimpleUploadedFile("lots.csv", text.encode())
    response = client.post(page, {"file": file, "import": "1"})

    assert response.status_code == 422
    reading = response.context["reading"]
    assert [(each.line, each.column) for each in reading.problems] == wrong
    assert all(each.why for each in reading.problems)
    assert "480 lots are right, 20 lines are not" in response.text
    assert draft_auction.lots.count() == 2

    told = client.post(page, {"text": text, "shown": reading.digest, "import": "1"})
    assert told.url == reverse("host_lots", args=(draft_auction.pk,))
    assert draft_auction.lots.count() == 482
    lot = draft_auction.lots.get(number="11")
    assert (lot.title, lot.opening_amount, lot.reserve_amount) == ("Thing 11, in a box", 500, 750)
    assert (lot.duration_ms, lot.window_ms, lot.extension_mode) == (45_000, 10_000, "reset")
    assert list(draft_auction.lots.values_list("position", flat=True)) == sorted(
        set(draft_auction.lots.values_list("position", flat=True))
    )
    assert AuditEntry.objects.filter(action="lots_import", auction=draft_auction, outcome="done").count() == 1


@pytest.mark.parametrize("changed", ["text", "lots"])
def test_nothing_is_imported_but_what_was_shown(client, page, host, draft_auction, changed):
    text = HEAD + "20,Vase,5.00,,,\n"
    shown = client.post(page, {"text": text}).context["reading"].digest
    if changed == "text":
        text = text.replace("5.00", "6.00")
    else:
        services.lot_create(actor=host, auction=draft_auction, spec=LotSpec(title="B", opening_amount=1, number="20"))
    before = draft_auction.lots.count()
    again = client.post(page, {"text": text, "shown": shown, "import": "1"})
    assert again.context["reading"].digest != shown
    assert draft_auction.lots.count() == before


def test_a_second_press_imports_nothing_twice(client, page, draft_auction):
    text = HEAD + ",Vase,5.00,,,\n"
    shown = client.post(page, {"text": text}).context["reading"].digest
    pressed = [client.post(page, {"text": text, "shown": shown, "import": "1"}).status_code for _press in range(2)]
    assert (pressed, draft_auction.lots.count()) == ([302, 200], 3)


def test_lots_that_came_while_the_import_waited_for_them_stop_it(host, draft_auction):
    reading = read_lots(HEAD + ",Vase,5.00,,,\n", draft_auction)
    services.lot_create(actor=host, auction=draft_auction, spec=LotSpec(title="B", opening_amount=1))
    with pytest.raises(Refused):
        lots_import(actor=host, auction=draft_auction, lots=reading.lots, shown_among=reading.among)
    assert draft_auction.lots.count() == 3


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("1,Vase,5.00,,,", "number"),
        ("123456789,Vase,5.00,,,", "number"),
        (f"7,{'x' * 141},5.00,,,", "title"),
        ("7,,5.00,,,", "title"),
        ("7,Vase,,,,", "opening_bid"),
        ("7,Vase,0,,,", "opening_bid"),
        ("7,Vase,-5,,,", "opening_bid"),
        ("7,Vase,1e3,,,", "opening_bid"),
        ('7,Vase,"1,000.00",,,', "opening_bid"),
        ('7,Vase,"5,00",,,', "opening_bid"),
        ("7,Vase,€5,,,", "opening_bid"),
        ("7,Vase,5.001,,,", "opening_bid"),
        ("7,Vase,5.00,nothing,,", "reserve"),
        ("7,Vase,5.00,,never,", "ends"),
        ("7,Vase,5.00,,,0.5", "seconds"),
        ("7,Vase,5.00,,,,,,more", ""),
    ],
)
def test_what_is_wrong_is_told_by_line_and_column(draft_auction, row, column):
    assert problems(draft_auction, f"{HEAD}6,Fine,1.00,,,\n{row}\n") == [(3, column)]


def test_what_belongs_together_is_checked_like_a_lot_that_is_saved(draft_auction):
    text = "title,opening_bid,buy_now,estimate_low,estimate_high,ends,window,extensions,steps,tax,quantity\n"
    rows = [
        "A,5.00,4.00,,,,,,,,",
        "B,5.00,,9.00,8.00,,,,,,",
        "C,5.00,,,,classic,10,,,,",
        "D,5.00,,,,own,0,5,,,",
        'E,5.00,,,,,,,"0: 5, 0: 10",,',
        "F,5.00,,,,,,,,VAT of others,",
        "G,5.00,,,,,,,,,0",
    ]
    assert problems(draft_auction, text + "\n".join(rows)) == [
        (2, "buy_now"),
        (3, "estimate_high"),
        (4, "window"),
        (5, "extensions"),
        (6, "steps"),
        (7, "tax"),
        (8, "quantity"),
    ]


def test_two_lines_of_one_number_name_each_other_and_lines_are_counted_as_an_editor_does(draft_auction):
    text = 'number,title,description,opening_bid\n7,Vase,"two\nlines",5.00\n\n7,Jug,,5.00\n'
    (problem,) = read_lots(text, draft_auction).problems
    assert (problem.line, problem.column, problem.value) == (5, "number", "7")
    assert problem.why == "Line 2 has this number, too."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "title\nVase\n",
        "title,opening_bid,colour\nVase,5.00,blue\n",
        "title,title,opening_bid\n",
        HEAD,
        HEAD + '7,"Vase,5.00,,,\n',
        HEAD + "7,Va\0se,5.00,,,\n",
        HEAD + "x" * MAX_BYTES,
    ],
)
def test_what_is_no_table_of_lots_is_refused_as_a_whole(client, page, draft_auction, text):
    with pytest.raises(Refused):
        read_lots(text, draft_auction)
    assert client.post(page, {"text": text}).status_code == 422


def test_a_file_that_is_too_long_or_no_utf_8_is_refused(client, page):
    for content, said in ((b"x" * (MAX_BYTES + 1), "larger than 1 MB"), ("Käse".encode("latin-1"), "not in UTF-8")):
        response = client.post(page, {"file": SimpleUploadedFile("lots.csv", content)})
        assert response.status_code == 422
        assert said in response.text


def test_more_lots_than_an_auction_takes_are_refused_before_any_is_added(draft_auction, monkeypatch):
    monkeypatch.setattr("auctions.lots_csv.MAX_LOTS", 3)
    with pytest.raises(Refused, match="room for 1 more"):
        read_lots(HEAD + "7,A,5.00,,,\n8,B,5.00,,,\n", draft_auction)


def test_spreadsheets_with_a_decimal_comma_are_read_and_amounts_mean_the_same_in_every_language(
    host, organizer, draft_auction
):
    assert read_lots("title;opening_bid\nVase;5,50\n", draft_auction).lots[0].opening_amount == 550
    assert problems(draft_auction, "title;opening_bid\nVase;1.234,50\n") == [(2, "opening_bid")]
    dinar = services.auction_create(actor=host, organizer=organizer, title="Dinar", currency_code="JOD")
    for language in ("en", "de"):
        with translation.override(language):
            assert read_lots("title,opening_bid\nVase,1.234\n", dinar).lots[0].opening_amount == 1_234
            assert read_lots("title,opening_bid\nVase,1250\n", dinar).lots[0].opening_amount == 1_250_000
    yen = services.auction_create(actor=host, organizer=organizer, title="Yen", currency_code="JPY")
    assert problems(yen, "title,opening_bid\nVase,5.00\n") == [(2, "opening_bid")]


def values(lot):
    own = {"id", "auction", "created_at", "updated_at", "position"}
    return {field.name: getattr(lot, field.name) for field in Lot._meta.concrete_fields if field.name not in own}


STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝")  # noqa: RUF001
FORMULAS = ["=1+1", "+49 30 1234", "-5 per cent", "@home", "\tTab", "'=quoted", "''=twice", "'tis a vase", "＝wide"]  # noqa: RUF001


def test_what_is_exported_is_imported_as_it_was(host, organizer, draft_auction):
    house = {"organizer": organizer}
    vat, parcel = TaxRule.objects.create(name="VAT", **house), ShippingProfile.objects.create(name="Parcel", **house)
    estate, clocks = Consignor.objects.create(name="Estate", **house), Category.objects.create(name="C", slug="clocks")
    full = LotSpec(
        title='A "clock", 12"',
        opening_amount=12_345,
        number="12A",
        description="Line one\nand; two, äöü €",
        condition="Worn",
        category=clocks,
        consignor=estate,
        quantity=3,
        estimate_low=20_000,
        estimate_high=30_000,
        tax_rule=vat,
        shipping=parcel,
        reserve_amount=15_001,
        buy_now_amount=99_999,
        cap_amount=500_000,
        increments=[[0, 150], [10_000, 1_000]],
    )
    own: LotChanges = {
        "duration_ms": 61_500,
        "window_ms": 7_500,
        "extension_ms": 12_000,
        "extension_mode": "reset",
        "extension_cap": 3,
    }
    services.lot_update(actor=host, lot=services.lot_create(actor=host, auction=draft_auction, spec=full), **own)
    # A form leaves no blank at the ends of what somebody typed.
    for title in map(str.strip, FORMULAS):
        services.lot_create(actor=host, auction=draft_auction, spec=LotSpec(title=title, opening_amount=100))
    text = write_lots(catalogue(draft_auction))
    other = services.auction_create(actor=host, organizer=organizer, title="Other")

    with translation.override("de"):
        bring(host, other, text)
    assert [values(lot) for lot in other.lots.order_by("position")] == [
        values(lot) for lot in draft_auction.lots.order_by("position")
    ]
    assert write_lots(catalogue(Auction.objects.get(pk=other.pk))) == text


def test_no_cell_of_an_export_is_a_formula(client, host, draft_auction):
    for title in FORMULAS:
        services.lot_create(
            actor=host, auction=draft_auction, spec=LotSpec(title=title, opening_amount=100, description=title)
        )
    client.force_login(host)
    response = client.get(reverse("host_lots_csv", args=(draft_auction.pk,)))
    text = response.content.decode("utf-8-sig")
    assert response["Content-Type"].startswith("text/csv")
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert len(cells) == len(COLUMNS) * (3 + len(FORMULAS))
    assert [cell for cell in cells if cell.startswith(STARTS)] == []


def test_an_import_into_a_published_show_is_told_to_the_floor_and_one_that_is_over_takes_none(host, draft_auction):
    Auction.objects.filter(pk=draft_auction.pk).update(status="scheduled")
    bring(host, draft_auction, HEAD + ",A,5.00,,,\n,B,5.00,,,\n")
    added = list(draft_auction.lots.order_by("position"))[-2:]
    assert [lot.number for lot in added] == ["3", "4"]
    assert [command.payload["lot"] for command in FloorCommand.objects.order_by("pk")] == [lot.pk for lot in added]
    Auction.objects.filter(pk=draft_auction.pk).update(status="ended")
    with pytest.raises(Refused):
        bring(host, draft_auction, HEAD + ",C,5.00,,,\n")


def test_a_stranger_imports_nothing(stranger, draft_auction):
    with pytest.raises(Refused):
        bring(stranger, draft_auction, HEAD + ",A,5.00,,,\n")
    assert draft_auction.lots.count() == 2
