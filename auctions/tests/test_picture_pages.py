"""A lot's pictures as its host sees them: added with and without scripts, described, ordered, taken away."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from auctions import tasks
from auctions.models import Auction, AuctionStatus, Lot, LotImage, LotStatus, Upload
from auctions.tests.test_uploads import _own_files, photo  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(lot):
    return f"/host/lots/{lot.pk}/pictures/"


@pytest.fixture
def at_desk(client, host):
    client.force_login(host)
    return client


def file(name="lamp.jpg", content=None):
    return SimpleUploadedFile(name, photo() if content is None else content)


@pytest.fixture
def three(at_desk, page, lot):
    for name in "abc":
        at_desk.post(page, {"add": "1", "file": file(), "alt": name})
    return {image.alt: image for image in lot.images.all()}


def order(lot):
    return "".join(lot.images.values_list("alt", flat=True))


def test_an_ordinary_form_adds_several_at_once(at_desk, page, lot):
    response = at_desk.post(page, {"add": "1", "file": [file("a.jpg"), file("b.jpg")], "alt": "A lamp"})
    assert (response.status_code, response.url) == (302, page)
    assert list(lot.images.values_list("alt", "position")) == [("A lamp", 0), ("A lamp", 1)]
    text = at_desk.get(page).content.decode()
    assert text.count("<picture>") == 2
    assert f"/host/lots/{lot.pk}/pictures/" in at_desk.get(f"/host/auctions/{lot.auction_id}/").content.decode()
    assert f"/host/lots/{lot.pk}/pictures/" in at_desk.get(f"/host/auctions/{lot.auction_id}/edit/").content.decode()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<svg/>", "SVG is a drawing"), (photo() + b"<html>", "hidden in the file"), (b"", "empty")],
)
def test_a_refusal_stands_at_the_field_with_the_name_of_the_file(at_desk, page, lot, content, words):
    response = at_desk.post(page, {"add": "1", "file": file("<b>.jpg", content)})
    assert response.status_code == 422
    text = response.content.decode()
    error = text.partition('id="file-error"')[2].partition("</div>")[0]
    assert words in error
    assert "&lt;b&gt;.jpg" in error
    assert 'aria-invalid="true"' in text
    assert not lot.images.exists()


def test_a_form_without_a_file_says_so(at_desk, page):
    response = at_desk.post(page, {"add": "1"})
    assert response.status_code == 422
    assert "Choose a picture." in response.content.decode()


@pytest.mark.parametrize(("button", "which", "after"), [("later", "a", "bac"), ("earlier", "c", "acb")])
def test_pictures_are_ordered_by_buttons(at_desk, page, lot, three, button, which, after):
    at_desk.post(page, {button: three[which].pk})
    assert order(lot) == after


def test_what_is_written_is_kept_whatever_button_is_pressed(at_desk, page, lot, three):
    at_desk.post(page, {f"alt-{three['a'].pk}": "x", f"alt-{three['b'].pk}": "y", "remove": three["c"].pk})
    assert order(lot) == "xy"


def test_too_long_a_description_is_refused_in_words(at_desk, page, lot, three):
    response = at_desk.post(page, {f"alt-{three['a'].pk}": "x" * 201})
    assert response.status_code == 422
    assert "at most 200 characters" in response.content.decode()
    assert order(lot) == "abc"


def test_pictures_of_another_lot_are_not_found(at_desk, page, lot, three):
    other = Lot.objects.exclude(pk=lot.pk).get(auction=lot.auction)
    there = f"/host/lots/{other.pk}/pictures/"
    for pk in (three["a"].pk, 0, 10**30, "x", "\u0663", ""):
        assert at_desk.post(there, {"remove": pk}).status_code == 404
    at_desk.post(there, {f"alt-{three['a'].pk}": "stolen"})
    assert order(lot) == "abc"


@pytest.mark.parametrize(
    ("status", "shown", "hidden"),
    [
        (LotStatus.OPEN, "what bidders have seen stays", 'name="remove"'),
        (LotStatus.SOLD, "its pictures stay on record", 'name="add"'),
    ],
)
def test_the_page_offers_what_the_lot_allows(at_desk, page, lot, three, status, shown, hidden):
    Auction.objects.update(status=AuctionStatus.LIVE)
    Lot.objects.filter(pk=lot.pk).update(status=status)
    text = at_desk.get(page).content.decode()
    assert shown in text
    assert hidden not in text
    assert at_desk.post(page, {"remove": three["a"].pk}).status_code == 422
    assert order(lot) == "abc"


def begun(client, lot, **data):
    return client.post(f"/host/lots/{lot.pk}/uploads/", {"content_type": "image/jpeg", "alt": "A lamp"} | data)


def test_a_script_sends_a_file_and_asks_what_became_of_it(at_desk, lot):
    room = begun(at_desk, lot)
    assert room.status_code == 201
    told = room.json()
    assert at_desk.post(told["url"], told["fields"] | {"file": file()}).status_code == 201
    assert at_desk.get(told["upload"]).json() == {"status": "waiting", "message": ""}
    assert at_desk.post(told["upload"]).json() == {"status": "working", "message": ""}
    tasks.upload_work(Upload.objects.get().pk)
    answer = at_desk.get(told["upload"])
    assert answer.json() == {"status": "done", "message": ""}
    assert "no-store" in answer["Cache-Control"]
    assert lot.images.get().alt == "A lamp"


def test_a_script_reads_why_a_file_is_refused(at_desk, lot):
    assert begun(at_desk, lot, content_type="image/gif").status_code == 422
    told = begun(at_desk, lot).json()
    at_desk.post(told["url"], told["fields"] | {"file": file(content=b"<svg/>")})
    at_desk.post(told["upload"])
    tasks.upload_work(Upload.objects.get().pk)
    answer = at_desk.get(told["upload"]).json()
    assert answer["status"] == "refused"
    assert "SVG" in answer["message"]


def test_uploads_of_others_are_not_found(client, at_desk, other_host, moderator, lot):
    told = begun(at_desk, lot).json()
    for person in (other_host, moderator):
        client.force_login(person)
        assert begun(client, lot).status_code == 404
        assert client.get(f"/host/lots/{lot.pk}/pictures/").status_code == 404
        for method in (client.get, client.post):
            assert method(told["upload"]).status_code == 404
    client.logout()
    assert "/accounts/login/" in client.get(told["upload"]).url
    assert Upload.objects.count() == 1


def test_a_page_of_another_site_begins_nothing(host, lot):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(host)
    assert begun(client, lot).status_code == 403
    assert not Upload.objects.exists()


def test_the_page_of_many_pictures_asks_few_questions(at_desk, page, lot, three, django_assert_max_num_queries):
    for index in range(12):
        LotImage.objects.create(lot=lot, file=f"{index}.webp", width=4, height=3)
    with django_assert_max_num_queries(12):
        text = at_desk.get(page).content.decode()
    assert text.count("<picture>") == 15
    assert json.dumps(text).count("style=") == 0
