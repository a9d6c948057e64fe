"""What people say of themselves: name, picture, address, mails."""

import io
from pathlib import Path

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from accounts.services import mail_send
from auctions import people
from auctions.errors import Refused

pytestmark = pytest.mark.django_db

SCRIPT = b"<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _own_media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def signed_in(client, bidder):
    client.force_login(bidder)
    return client


def picture(kind="JPEG", size=(600, 400), **options):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def with_place():
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ben"
    exif.get_ifd(0x8825)[1] = "N"
    return picture(exif=exif)


def upload(content, name="me.jpg"):
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


def send(client, **fields):
    return client.post(reverse("profile"), {"display_name": "Ben"} | fields)


def test_the_page_changes_what_one_says_of_oneself(signed_in, bidder):
    assert send(signed_in, delivery_address="1 Lane\r\nTown").status_code == 302
    bidder.refresh_from_db()
    assert (bidder.display_name, bidder.delivery_address) == ("Ben", "1 Lane\nTown")
    page = signed_in.get(reverse("profile")).content.decode()
    assert "1 Lane" in page


def test_nobody_changes_but_oneself(client, signed_in, bidder, bidder2):
    send(signed_in, display_name="Taken over", id=str(bidder2.pk), user=str(bidder2.pk))
    bidder2.refresh_from_db()
    assert bidder2.display_name == "Bea Bidder"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("display_name", "x" * 61),
        ("display_name", "ben@example.test"),
        ("display_name", "zero\0byte"),
        ("delivery_address", "x" * 401),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_changes(signed_in, bidder, field, value):
    response = send(signed_in, **{field: value})
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    bidder.refresh_from_db()
    assert bidder.display_name == "Ben Bidder"


def test_what_people_write_is_no_markup(signed_in):
    send(signed_in, display_name="<img src=x onerror=alert(1)>")
    assert "<img src=x" not in signed_in.get(reverse("profile")).content.decode()


# --- The picture ---------------------------------------------------------------------------------------


def test_a_picture_becomes_a_small_square_without_metadata(signed_in, bidder):
    assert send(signed_in, avatar=upload(with_place())).status_code == 302
    bidder.refresh_from_db()
    stored = Path(bidder.avatar.path).read_bytes()
    with Image.open(io.BytesIO(stored)) as image:
        assert (image.format, image.size) == ("WEBP", (people.AVATAR_EDGE, people.AVATAR_EDGE))
        assert not image.getexif()
    assert b"Camera of Ben" not in stored
    assert "me" not in bidder.avatar.name.removeprefix("avatars/").split(".")[0]


def test_a_small_picture_is_not_blown_up(bidder):
    people.avatar_set(user=bidder, upload=io.BytesIO(picture(size=(40, 90))))
    with Image.open(bidder.avatar.path) as image:
        assert image.size == (40, 40)


REFUSED = {
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg">' + SCRIPT + b"</svg>",
    "html": b"<!doctype html>" + SCRIPT,
    "gif": b"GIF89a" + b"\x01\x00\x01\x00" + b"\x00" * 40,
    "empty": b"",
    "half": picture()[:200],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_of_ours_is_refused_at_its_field(signed_in, bidder, name):
    response = send(signed_in, avatar=upload(REFUSED[name]), display_name="Other")
    assert response.status_code == 422
    assert response.context["form"].errors["avatar"]
    bidder.refresh_from_db()
    assert not bidder.avatar


def test_a_picture_with_a_page_behind_it_is_refused(bidder):
    with pytest.raises(Refused) as refused:
        people.avatar_set(user=bidder, upload=io.BytesIO(picture() + SCRIPT))
    assert (refused.value.code, refused.value.field) == ("image_hides_a_file", "avatar")
    assert not bidder.avatar


def test_a_bomb_is_refused_before_it_is_decoded(bidder):
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    with pytest.raises(Refused) as refused:
        people.avatar_set(user=bidder, upload=io.BytesIO(out.getvalue()))
    assert (refused.value.code, refused.value.field) == ("image_too_many_pixels", "avatar")


def test_a_new_picture_replaces_the_file_and_it_can_be_taken_away(
    signed_in, bidder, tmp_path, django_capture_on_commit_callbacks
):
    def files():
        return [path.name for path in tmp_path.rglob("*.webp")]

    for colour in ("JPEG", "PNG"):
        with django_capture_on_commit_callbacks(execute=True):
            send(signed_in, avatar=upload(picture(colour)))
    bidder.refresh_from_db()
    assert files() == [bidder.avatar.name.removeprefix("avatars/")]
    with django_capture_on_commit_callbacks(execute=True):
        send(signed_in, remove_avatar="on")
    bidder.refresh_from_db()
    assert not bidder.avatar
    assert files() == []


# --- Mail ----------------------------------------------------------------------------------------------


def test_mail_goes_to_who_has_an_address(bidder, django_capture_on_commit_callbacks):
    nobody = type(bidder)(email=None)
    with django_capture_on_commit_callbacks(execute=True):
        for user in (bidder, nobody):
            mail_send(user=user, subject="Answer", text="No.")
    assert [(letter.to, letter.subject) for letter in mail.outbox] == [([bidder.email], "[Paddle] Answer")]


def test_a_mail_that_cannot_be_sent_undoes_nothing(settings, bidder, django_capture_on_commit_callbacks, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with django_capture_on_commit_callbacks(execute=True):
        mail_send(user=bidder, subject="Won", text="A lamp.")
    assert "Connection refused" in caplog.text
