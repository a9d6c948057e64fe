"""Pictures on their way: begun by who manages the lot, worked on once, refused in words, and swept away."""

import io
import re
from datetime import timedelta

import pytest
from celery import current_app
from django.core.files.base import ContentFile
from django.utils import timezone
from kombu.exceptions import OperationalError
from PIL import Image

from auctions import services, tasks, uploads
from auctions.errors import Refused
from auctions.media import clean_picture
from auctions.models import Lot, LotStatus, Upload, UploadStatus

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.STORAGES = {
        **settings.STORAGES,
        "uploads": {
            **settings.STORAGES["uploads"],
            "OPTIONS": {**settings.STORAGES["uploads"]["OPTIONS"], "location": tmp_path / "uploads"},
        },
    }


@pytest.fixture
def asked(monkeypatch):
    """Return the work that was asked for; nothing is queued."""
    calls = []
    monkeypatch.setattr(current_app, "send_task", lambda name, arguments, **_: calls.append((name, *arguments)))
    return calls


def photo(size=(60, 40)):
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, "JPEG")
    return out.getvalue()


def arrived(host, lot, content=None, **changes):
    upload = uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg", alt=" A lamp ")
    if content is not None:
        uploads.raw_files().save(upload.key, ContentFile(content))
    return uploads.upload_claim(actor=host, upload=upload)


def refused_for(**options):
    with pytest.raises(Refused) as refused:
        uploads.upload_begin(**options)
    return refused.value.code


def test_a_file_becomes_a_picture_of_its_lot_and_leaves_nothing_behind(
    host, lot, asked, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        upload = arrived(host, lot, photo())
    assert asked == [("auctions.tasks.upload_work", upload.pk)]
    with django_capture_on_commit_callbacks(execute=True):
        tasks.upload_work(upload.pk)
    upload.refresh_from_db()
    image = lot.images.get()
    assert (upload.status, image.alt, image.width) == (UploadStatus.DONE, "A lamp", 60)
    assert asked[1:] == [("auctions.tasks.sizes_make", image.pk)]
    assert not uploads.raw_files().exists(upload.key)


def test_a_task_that_runs_twice_adds_one_picture(host, lot):
    upload = arrived(host, lot, photo())
    for _ in range(2):
        tasks.upload_work(upload.pk)
    uploads.upload_claim(actor=host, upload=upload)
    assert lot.images.count() == 1


def test_of_two_workers_at_once_the_later_has_the_word(host, lot, monkeypatch):
    upload = arrived(host, lot, photo())
    clean = clean_picture

    def slow(raw):
        monkeypatch.setattr(uploads, "clean_picture", clean)
        data = io.BytesIO(raw.read())
        tasks.upload_work(upload.pk)
        return clean(data)

    monkeypatch.setattr(uploads, "clean_picture", slow)
    tasks.upload_work(upload.pk)
    assert lot.images.count() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (photo()[:-200], "cut short"),
        (photo() + b"<html>", "hidden"),
        (b"", "empty"),
        (None, "did not arrive"),
    ],
)
def test_a_refusal_is_kept_in_words(host, lot, content, words):
    upload = arrived(host, lot, content)
    tasks.upload_work(upload.pk)
    upload.refresh_from_db()
    assert upload.status == UploadStatus.REFUSED
    assert words in upload.message
    assert not lot.images.exists()
    assert not uploads.raw_files().exists(upload.key)


def test_a_lot_that_closed_or_went_meanwhile_takes_nothing(host, lot):
    first, second = arrived(host, lot, photo()), arrived(host, lot, photo())
    Lot.objects.filter(pk=lot.pk).update(status=LotStatus.SOLD)
    tasks.upload_work(first.pk)
    Lot.objects.filter(pk=lot.pk).update(status=LotStatus.PENDING)
    services.lot_remove(actor=host, lot=lot)
    tasks.upload_work(second.pk)
    assert set(Upload.objects.values_list("status", "message")) == {
        (UploadStatus.REFUSED, "The lot is closed; its pictures stay on record."),
        (UploadStatus.REFUSED, "The lot is gone."),
    }


def test_who_lost_their_role_meanwhile_adds_nothing(host, lot):
    upload = arrived(host, lot, photo())
    host.memberships.all().delete()
    tasks.upload_work(upload.pk)
    upload.refresh_from_db()
    assert upload.status == UploadStatus.REFUSED
    assert not lot.images.exists()


def test_only_who_manages_the_lot_begins_and_only_who_began_claims(host, other_host, lot):
    assert refused_for(actor=other_host, lot=lot, content_type="image/jpeg") == "forbidden"
    upload = uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg")
    with pytest.raises(Refused):
        uploads.upload_claim(actor=other_host, upload=upload)
    assert Upload.objects.get().status == UploadStatus.WAITING


@pytest.mark.parametrize("content_type", ["image/svg+xml", "image/gif", "text/html", "image/jpeg; x", "", "IMAGE/JPEG"])
def test_other_types_get_no_room(host, lot, content_type):
    assert refused_for(actor=host, lot=lot, content_type=content_type) == "not_an_image"


def test_a_lot_gets_room_for_so_many_pictures_and_no_more(host, lot, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PICTURES", 2)
    for _ in range(2):
        uploads.upload_begin(actor=host, lot=lot, content_type="image/png")
    assert refused_for(actor=host, lot=lot, content_type="image/png") == "too_many_uploads"
    Upload.objects.update(created_at=timezone.now() - uploads.FORM_LIFETIME)
    uploads.upload_begin(actor=host, lot=lot, content_type="image/png")
    for _ in range(2):
        services.lot_image_add(actor=host, lot=lot, upload=io.BytesIO(photo()))
    assert refused_for(actor=host, lot=lot, content_type="image/png") == "too_many_images"


def test_keys_are_long_random_and_bound_to_lot_and_person(host, lot):
    keys = {uploads.upload_begin(actor=host, lot=lot, content_type="image/png").key for _ in range(5)}
    assert len(keys) == 5
    assert all(re.fullmatch(rf"{lot.pk}-{host.pk}-[0-9a-f]{{32}}", key) for key in keys)


def test_what_nobody_claimed_is_swept_away_with_its_file(host, lot):
    old = uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg")
    uploads.raw_files().save(old.key, ContentFile(photo()))
    Upload.objects.update(created_at=timezone.now() - uploads.KEPT_FOR - timedelta(seconds=1))
    young = uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg")
    uploads.raw_files().save(young.key, ContentFile(photo()))
    tasks.uploads_sweep()
    assert list(Upload.objects.all()) == [young]
    assert not uploads.raw_files().exists(old.key)
    assert uploads.raw_files().exists(young.key)


def test_work_that_the_queue_lost_is_asked_for_again_and_not_for_ever(
    host, lot, asked, django_capture_on_commit_callbacks
):
    upload = arrived(host, lot, photo())
    image = services.lot_image_add(actor=host, lot=lot, upload=io.BytesIO(photo()))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.uploads_sweep()
    assert asked == [("auctions.tasks.sizes_make", image.pk)]
    Upload.objects.update(touched_at=timezone.now() - uploads.STUCK_AFTER - timedelta(seconds=1))
    with django_capture_on_commit_callbacks(execute=True):
        tasks.uploads_sweep()
    assert ("auctions.tasks.upload_work", upload.pk) in asked
    # A picture that kills its worker does so a few times.
    Upload.objects.update(attempts=uploads.MOST_ATTEMPTS)
    tasks.upload_work(upload.pk)
    upload.refresh_from_db()
    assert upload.status == UploadStatus.REFUSED


def test_a_queue_that_is_away_fails_nobody(host, lot, monkeypatch, django_capture_on_commit_callbacks):
    def away(*_, **__):
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", away)
    with django_capture_on_commit_callbacks(execute=True):
        upload = arrived(host, lot, photo())
    assert upload.status == UploadStatus.WORKING


def test_work_on_pictures_has_a_queue_of_its_own(settings):
    router = current_app.amqp.Router()
    routed = {
        name: router.route({}, name)["queue"].name
        for name in ("auctions.tasks.sizes_make", "auctions.tasks.upload_work", "bidding.tasks.tick")
    }
    assert set(routed.values()) == {"images", "ticks"}
    assert routed["bidding.tasks.tick"] == "ticks"
