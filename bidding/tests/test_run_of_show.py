"""The run of show: each row is saved alone, as it was seen; lots are moved, copied, added and taken out."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from auctions import services as catalogue
from auctions.models import Auction, AuditEntry, FloorCommand, Lot, LotImage, LotStatus
from auctions.run_of_show import lot_version
from auctions.services import LotSpec

pytestmark = pytest.mark.django_db

SCRIPT = {"Accept": "application/json, text/html;q=0.5"}


@pytest.fixture
def run(client: Client, host, draft_auction) -> Client:
    client.force_login(host)
    return client


def row(lot: Lot, **typed: str) -> dict[str, str]:
    """Return what a row sends: what it shows of the lot as it is stored now, and what was typed over it."""
    shown = {
        "version": lot_version(lot),
        "number": lot.number,
        "title": lot.title,
        "opening_amount": f"{lot.opening_amount / 100:.2f}",
        "reserve_amount": "",
        "preset": "classic",
        "duration": "60",
    }
    return shown | typed


def save(client: Client, lot: Lot, **typed: str) -> tuple[int, dict[str, Any]]:
    response = client.post(reverse("host_lot_row", args=(lot.pk,)), row(lot, **typed), headers=SCRIPT)
    return response.status_code, response.json()


def act(client: Client, lot: Lot, name: str, **fields: Any) -> tuple[int, dict[str, Any]]:
    response = client.post(reverse("host_lot_act", args=(lot.pk, name)), fields, headers=SCRIPT)
    return response.status_code, response.json()


def titles(auction: Auction) -> list[str]:
    return list(auction.lots.order_by("position", "pk").values_list("title", flat=True))


def add(host, auction: Auction, *names: str) -> None:
    for name in names:
        catalogue.lot_create(actor=host, auction=auction, spec=LotSpec(title=name, opening_amount=100))


def test_a_row_is_saved_alone_and_answered_as_it_is_stored(run, draft_auction):
    lot, other = draft_auction.lots.all()
    status, answer = save(
        run, lot, title=" Clock ", opening_amount="45", reserve_amount="60", preset="flash", duration="90"
    )

    assert status == 200
    lot.refresh_from_db()
    assert (lot.title, lot.opening_amount, lot.reserve_amount) == ("Clock", 4_500, 6_000)
    assert (lot.duration_ms, lot.window_ms, lot.extension_mode) == (90_000, 10_000, "reset")
    assert answer["stored"] == {
        "number": "1",
        "title": "Clock",
        "opening_amount": "45.00",
        "reserve_amount": "60.00",
        "preset": "flash",
        "duration": "90",
    }
    assert answer["version"] == lot_version(lot)
    assert Lot.objects.get(pk=other.pk).title == "Brass lamp"


def test_what_a_row_does_not_show_stays_as_it_was(run, host, draft_auction):
    lot = draft_auction.lots.first()
    catalogue.lot_update(
        actor=host, lot=lot, description="Runs.", estimate_low=5_000, window_ms=7_000, increments=[[0, 300]], quantity=3
    )
    lot.refresh_from_db()
    assert save(run, lot, preset="own", duration="75", title="New")[0] == 200
    lot.refresh_from_db()
    assert (lot.description, lot.estimate_low, lot.window_ms, lot.increments, lot.quantity, lot.duration_ms) == (
        "Runs.",
        5_000,
        7_000,
        [[0, 300]],
        3,
        75_000,
    )


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"title": " "}, "title"),
        ({"number": "2"}, "number"),
        ({"number": "123456789"}, "number"),
        ({"opening_amount": ""}, "opening_amount"),
        ({"opening_amount": "1e3"}, "opening_amount"),
        ({"opening_amount": "0"}, "opening_amount"),
        ({"reserve_amount": "-5"}, "reserve_amount"),
        ({"preset": "endless"}, "preset"),
        ({"duration": "0.1"}, "duration"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_saved(run, draft_auction, typed, field):
    lot = draft_auction.lots.first()
    status, answer = save(run, lot, **({"title": "Changed"} | typed))
    assert (status, list(answer["errors"])) == (422, [field])
    assert Lot.objects.get(pk=lot.pk).title == "Chronograph, 1968"


def test_two_editors_do_not_overwrite_each_other(run, draft_auction):
    lot = draft_auction.lots.first()
    second = row(lot, opening_amount="70.00")
    assert save(run, lot, title="First")[0] == 200

    response = run.post(reverse("host_lot_row", args=(lot.pk,)), second, headers=SCRIPT)
    answer = response.json()
    assert response.status_code == 409
    assert answer["stored"]["title"] == "First"
    lot.refresh_from_db()
    assert (lot.title, lot.opening_amount) == ("First", 10_000)

    # In sight of what the other wrote, it is decided.
    again = {**second, "title": "First", "version": answer["version"]}
    assert run.post(reverse("host_lot_row", args=(lot.pk,)), again, headers=SCRIPT).status_code == 200
    lot.refresh_from_db()
    assert (lot.title, lot.opening_amount) == ("First", 7_000)


def test_a_change_that_came_through_is_sent_again_without_a_complaint(run, draft_auction):
    lot = draft_auction.lots.first()
    typed = row(lot, title="Twice")
    for _attempt in range(2):
        assert run.post(reverse("host_lot_row", args=(lot.pk,)), typed, headers=SCRIPT).status_code == 200
    lot.refresh_from_db()
    assert lot.title == "Twice"


def test_moving_a_lot_is_no_change_of_its_contents(run, draft_auction):
    lot = draft_auction.lots.first()
    before = lot_version(lot)
    act(run, lot, "later")
    lot.refresh_from_db()
    assert lot_version(lot) == before


def test_the_rules_of_an_opened_lot_do_not_change(run, draft_auction):
    lot = draft_auction.lots.first()
    typed = row(lot, title="Late")
    Lot.objects.filter(pk=lot.pk).update(status=LotStatus.OPEN)
    response = run.post(reverse("host_lot_row", args=(lot.pk,)), typed, headers=SCRIPT)
    assert (response.status_code, response.json()["is_pending"]) == (409, False)
    assert run.get(reverse("host_lot", args=(lot.pk,))).status_code == 302
    assert act(run, lot, "later")[0] == 422
    assert 'name="title" value="Chronograph' not in run.get(reverse("host_lots", args=(draft_auction.pk,))).text


def test_lots_move_one_place_and_stay_at_the_ends(run, host, draft_auction):
    add(host, draft_auction, "Third")
    first, _second, third = draft_auction.lots.all()
    assert act(run, first, "later")[1]["order"][1] == first.pk
    assert titles(draft_auction) == ["Brass lamp", "Chronograph, 1968", "Third"]
    act(run, third, "later")
    assert titles(draft_auction)[-1] == "Third"
    act(run, third, "earlier")
    act(run, third, "earlier")
    act(run, third, "earlier")
    assert titles(draft_auction) == ["Third", "Brass lamp", "Chronograph, 1968"]


def test_a_lot_is_put_in_front_of_another_but_not_of_another_auctions(run, host, organizer, draft_auction):
    first, second = draft_auction.lots.all()
    assert act(run, second, "place", before=first.pk)[0] == 200
    assert titles(draft_auction) == ["Brass lamp", "Chronograph, 1968"]
    foreign = catalogue.auction_create(
        actor=host, organizer=organizer, title="Other", lots=[LotSpec(title="Far", opening_amount=100)]
    )
    for before in (foreign.lots.get().pk, "x", "9" * 30):
        assert act(run, second, "place", before=before)[0] == 422


def test_a_copy_stands_behind_its_lot_with_everything_but_its_number(run, host, draft_auction):
    lot = draft_auction.lots.first()
    catalogue.lot_update(actor=host, lot=lot, description="Runs.", reserve_amount=20_000, window_ms=9_000)
    LotImage.objects.create(lot=lot, file="lots/one.webp", alt="A dial", widths=[320], width=40, height=30)
    status, answer = act(run, lot, "duplicate")

    assert status == 200
    copy = Lot.objects.get(pk=answer["lot"])
    assert titles(draft_auction) == ["Chronograph, 1968", "Chronograph, 1968", "Brass lamp"]
    assert (copy.number, copy.description, copy.reserve_amount, copy.window_ms) == ("3", "Runs.", 20_000, 9_000)
    (image,) = copy.images.all()
    assert (image.file.name, image.alt, image.widths) == ("lots/one.webp", "A dial", [320])
    assert f'id="lot-{copy.pk}"' in answer["row"]


def test_the_copy_of_the_last_lot_comes_last(run, draft_auction):
    act(run, draft_auction.lots.last(), "duplicate")
    assert titles(draft_auction) == ["Chronograph, 1968", "Brass lamp", "Brass lamp"]


def test_a_copy_of_an_auction_is_a_draft_with_all_its_lots_and_pictures_and_no_start(run, host, draft_auction):
    catalogue.auction_update(actor=host, auction=draft_auction, gap_ms=21_000, buyer_premium_bp=1_750)
    lot = draft_auction.lots.first()
    catalogue.lot_update(actor=host, lot=lot, number="12A", reserve_amount=20_000, description="Runs.")
    LotImage.objects.create(lot=lot, file="lots/one.webp", alt="A dial", width=40, height=30)
    Auction.objects.filter(pk=draft_auction.pk).update(status="ended", auto_start=True, cover="covers/one.webp")
    draft_auction.lots.update(status=LotStatus.SOLD)

    response = run.post(reverse("host_auction_duplicate", args=(draft_auction.pk,)))
    copy = Auction.objects.get(title="Friday night watches (copy)")
    assert response.url == reverse("host_auction_edit", args=(copy.pk,))
    assert (copy.status, copy.starts_at, copy.auto_start) == ("draft", None, False)
    assert (copy.gap_ms, copy.buyer_premium_bp, copy.cover.name) == (21_000, 1_750, "covers/one.webp")
    first, second = copy.lots.order_by("position")
    assert (first.number, first.reserve_amount, first.description, first.status) == ("12A", 20_000, "Runs.", "pending")
    assert [image.alt for image in first.images.all()] == ["A dial"]
    assert (second.number, second.title) == ("2", "Brass lamp")
    assert (draft_auction.lots.count(), LotImage.objects.count()) == (2, 2)


def test_a_lot_is_added_under_the_rules_of_the_last(run, host, draft_auction):
    catalogue.lot_update(actor=host, lot=draft_auction.lots.last(), duration_ms=45_000, reserve_amount=9_000)
    page = reverse("host_lots", args=(draft_auction.pk,))
    assert run.post(page, {"title": "Vase", "opening_amount": "12.50"}, headers=SCRIPT).status_code == 200
    vase = draft_auction.lots.last()
    assert (vase.title, vase.opening_amount, vase.duration_ms, vase.reserve_amount) == ("Vase", 1_250, 45_000, None)
    response = run.post(page, {"title": "", "opening_amount": "x"}, headers=SCRIPT)
    assert (response.status_code, set(response.json()["errors"])) == (422, {"title", "opening_amount"})


def test_a_lot_is_removed_from_a_draft_and_from_nothing_else(run, draft_auction):
    first, second = draft_auction.lots.all()
    assert act(run, first, "remove")[1]["order"] == [second.pk]
    Auction.objects.filter(pk=draft_auction.pk).update(status="scheduled")
    assert act(run, second, "remove")[0] == 422
    assert "Remove, with its pictures" not in run.get(reverse("host_lots", args=(draft_auction.pk,))).text


def test_what_is_published_is_told_to_the_floor(run, draft_auction):
    Auction.objects.filter(pk=draft_auction.pk).update(status="scheduled")
    lot = draft_auction.lots.first()
    assert save(run, lot, opening_amount="55")[0] == 200
    assert [command.payload for command in FloorCommand.objects.all()] == [{"lot": lot.pk}]


def test_every_change_is_written_down_without_amounts(run, host, draft_auction):
    lot = draft_auction.lots.first()
    save(run, lot, reserve_amount="777.77", title="Clock")
    act(run, lot, "remove")
    told = list(AuditEntry.objects.filter(auction=draft_auction).order_by("pk").values("actor", "action", "given"))[-2:]
    assert [(each["actor"], each["action"]) for each in told] == [(host.pk, "lot_save_seen"), (host.pk, "lot_take_out")]
    assert told[0]["given"]["title"] == "Clock"
    assert "reserve_amount" in told[0]["given"]["also"]
    assert "777" not in str(told)


def test_without_scripts_the_same_forms_save_and_every_error_stands_at_its_field(run, draft_auction):
    lot = draft_auction.lots.first()
    address = reverse("host_lot_row", args=(lot.pk,))
    saved = run.post(address, row(lot, title="Plain"))
    assert saved.url == f"/host/auctions/{draft_auction.pk}/lots/#lot-{lot.pk}"
    lot.refresh_from_db()
    wrong = run.post(address, row(lot, opening_amount="dear"))
    assert wrong.status_code == 422
    assert 'value="dear"' in wrong.text
    assert "Write an amount in EUR" in wrong.text
    moved = run.post(reverse("host_lot_act", args=(lot.pk, "later")))
    assert (moved.status_code, titles(draft_auction)) == (302, ["Brass lamp", "Plain"])


def test_everything_of_a_lot_is_changed_on_its_own_page_as_it_was_seen(run, host, draft_auction):
    lot = draft_auction.lots.first()
    address = reverse("host_lot", args=(lot.pk,))
    page = run.get(address)
    typed = {name: page.context["form"][name].value() or "" for name in page.context["form"].fields}
    typed |= {"version": page.context["version"], "description": "All original.", "estimate_low": "90.00"}
    catalogue.lot_update(actor=host, lot=lot, condition="Worn")

    stale = run.post(address, typed)
    assert stale.status_code == 422
    assert "Somebody else changed this lot meanwhile." in stale.text
    assert Lot.objects.get(pk=lot.pk).description == ""

    typed["version"] = stale.context["version"]
    assert run.post(address, typed).status_code == 302
    lot.refresh_from_db()
    assert (lot.description, lot.estimate_low) == ("All original.", 9_000)


def test_a_list_of_hundreds_takes_few_queries(run, host, draft_auction, django_assert_max_num_queries):
    model = draft_auction.lots.last()
    Lot.objects.bulk_create(
        Lot(
            auction=draft_auction,
            number=str(n),
            position=n,
            title=f"Lot {n}",
            opening_amount=100,
            increments=[[0, 100]],
        )
        for n in range(10, 310)
    )
    with django_assert_max_num_queries(25):
        page = run.get(reverse("host_lots", args=(draft_auction.pk,)))
    assert page.text.count("data-lot=") == 302
    with django_assert_max_num_queries(60):
        assert save(run, model, title="Quick")[0] == 200
