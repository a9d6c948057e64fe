"""The signed form: its conditions as S3 reads them, a round trip against a server of S3, and the same here."""

import base64
import json
import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from auctions import tasks, upload_forms, uploads, views_pictures
from auctions.media import MAX_UPLOAD_BYTES
from auctions.models import UploadStatus
from auctions.tests.test_uploads import _own_files, photo  # noqa: F401 - a fixture
from tests.pools import moto_server

pytestmark = pytest.mark.django_db

BUCKET, REGION = "corner-house-files", "eu-central-1"
CREDENTIALS = {"access_key": "AKIDEXAMPLE", "secret_key": "not-a-secret"}


@pytest.fixture
def upload(host, lot):
    return uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg")


def in_bucket(settings, **options):
    """Keep pictures in a bucket, as the settings do."""
    common = {
        "bucket_name": BUCKET,
        "region_name": REGION,
        "signature_version": "s3v4",
        "querystring_auth": False,
        "custom_domain": "auctions.example",
        **CREDENTIALS,
        **options,
    }
    backend = "storages.backends.s3.S3Storage"
    settings.MEDIA_STORAGE = "s3"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": backend, "OPTIONS": {**common, "location": "media"}},
        "uploads": {"BACKEND": backend, "OPTIONS": {**common, "location": "uploads"}},
    }


def opened(form):
    """Return the policy of a form, its conditions by name, and its range."""
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    exact = [condition for condition in policy["conditions"] if isinstance(condition, dict)]
    rest = [condition for condition in policy["conditions"] if not isinstance(condition, dict)]
    assert all(len(condition) == 1 for condition in exact)
    return policy, {name: value for condition in exact for name, value in condition.items()}, rest


def lifetime(policy):
    return datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)


# --- S3 ------------------------------------------------------------------------------------------------


def test_the_policy_of_s3_binds_every_field_to_one_value_the_size_to_a_range_and_has_an_end(settings, upload):
    in_bucket(settings, endpoint_url=f"https://s3.{REGION}.amazonaws.com", addressing_style="virtual")
    form = upload_forms.upload_form(upload)
    policy, exact, rest = opened(form)

    # The address of the region: the global one answers by a redirect, which no browser follows with a file.
    assert form.url == f"https://{BUCKET}.s3.{REGION}.amazonaws.com/"
    assert rest == [["content-length-range", 1, MAX_UPLOAD_BYTES]]
    assert exact == {
        "bucket": BUCKET,
        "key": f"uploads/{upload.key}",
        "Content-Type": "image/jpeg",
        "success_action_status": "201",
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": form.fields["x-amz-credential"],
        "x-amz-date": form.fields["x-amz-date"],
    }
    # Every field that is sent has its condition, and every condition its field.
    unsigned = {"policy", "x-amz-signature"}
    assert {name: value for name, value in form.fields.items() if name not in unsigned} == {
        name: value for name, value in exact.items() if name != "bucket"
    }
    assert "${filename}" not in form.fields["key"]
    assert re.fullmatch(rf"AKIDEXAMPLE/\d{{8}}/{REGION}/s3/aws4_request", exact["x-amz-credential"])
    assert timedelta(minutes=9) < lifetime(policy) <= uploads.FORM_LIFETIME
    assert set(policy) == {"expiration", "conditions"}


def test_no_secret_is_in_the_form(settings, upload):
    in_bucket(settings, endpoint_url=f"https://s3.{REGION}.amazonaws.com")
    form = upload_forms.upload_form(upload)
    assert CREDENTIALS["secret_key"] not in json.dumps([form.url, form.fields, opened(form)[0]])


def post(url, fields, content):
    boundary = "b0undary"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'.encode()
    body = b"".join([*parts, head, content, f"\r\n--{boundary}--\r\n".encode()])
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=20) as answer:
        return answer.status


def test_a_picture_goes_through_a_bucket_and_back(settings, host, lot, upload):
    with moto_server() as address:
        in_bucket(settings, endpoint_url=address, addressing_style="path")
        keys = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "not-a-secret", "region_name": REGION}
        s3 = boto3.client("s3", endpoint_url=address, **keys)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

        form = upload_forms.upload_form(upload)
        assert post(form.url, form.fields, photo((700, 500))) == 201
        sent = s3.get_object(Bucket=BUCKET, Key=f"uploads/{upload.key}")
        assert (sent["ContentType"], sent["Body"].read()) == ("image/jpeg", photo((700, 500)))

        uploads.upload_claim(actor=host, upload=upload)
        tasks.upload_work(upload.pk)
        image = lot.images.get()
        tasks.sizes_make(image.pk)
        image.refresh_from_db()
        stem = image.file.name.removesuffix(".webp")
        kept = {found["Key"]: found for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
        assert set(kept) == {f"media/{image.file.name}"} | {
            f"media/{stem}-{width}.{extension}" for width in (320, 640, 700) for extension in ("avif", "jpg")
        }
        small = s3.get_object(Bucket=BUCKET, Key=f"media/{stem}-320.avif")
        assert small["ContentType"] == "image/avif"
        assert image.file.url == f"https://auctions.example/media/{image.file.name}"

        lost = uploads.upload_begin(actor=host, lot=lot, content_type="image/png")
        uploads.upload_claim(actor=host, upload=lost)
        tasks.upload_work(lost.pk)
        lost.refresh_from_db()
        assert (lost.status, lost.message) == (UploadStatus.REFUSED, "The file did not arrive. Choose it again.")


# --- The same form here --------------------------------------------------------------------------------


def test_the_local_policy_has_the_conditions_of_s3(upload):
    form = upload_forms.upload_form(upload)
    policy, exact, rest = opened(form)
    assert form.url == "/uploads/"
    assert rest == [["content-length-range", 1, MAX_UPLOAD_BYTES]]
    assert exact == {
        "bucket": upload_forms.LOCAL_BUCKET,
        "key": upload.key,
        "Content-Type": "image/jpeg",
        "success_action_status": "201",
    }
    assert timedelta(minutes=9) < lifetime(policy) <= uploads.FORM_LIFETIME


def sent(client, form, content=b"picture", **changes):
    """Send a form with changes (None leaves a field out), and return the status and S3's word for what is wrong."""
    fields = {**form.fields, "file": SimpleUploadedFile("x", content)} | changes
    response = client.post(form.url, {name: value for name, value in fields.items() if value is not None})
    code = re.search(r"<Code>(\w+)</Code>", response.content.decode())
    return response.status_code, code[1] if code else None


def files_of(upload):
    storage = uploads.raw_files()
    return [name for name in storage.listdir("")[1] if name.startswith(upload.key)] if storage.exists("") else []


def test_a_file_that_meets_the_conditions_is_taken_and_replaces_an_earlier_one(client, upload):
    form = upload_forms.upload_form(upload)
    assert sent(client, form, b"first") == (201, None)
    assert sent(client, form, b"second") == (201, None)
    with uploads.raw_files().open(upload.key) as raw:
        assert raw.read() == b"second"
    assert len(files_of(upload)) == 1


def forged(form, **changes):
    """Return the form's policy with other conditions, as somebody without the key can write it."""
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    policy["conditions"] = [
        {**condition, **{name: value for name, value in changes.items() if name in condition}}
        if isinstance(condition, dict)
        else condition
        for condition in policy["conditions"]
    ]
    return base64.b64encode(json.dumps(policy).encode()).decode()


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"key": "1/1/another"}, (403, "AccessDenied")),
        ({"key": "../../etc/passwd"}, (403, "AccessDenied")),
        ({"key": None}, (403, "AccessDenied")),
        ({"Content-Type": "image/png"}, (403, "AccessDenied")),
        ({"Content-Type": "text/html"}, (403, "AccessDenied")),
        ({"Content-Type": None}, (403, "AccessDenied")),
        ({"success_action_status": "200"}, (403, "AccessDenied")),
        ({"acl": "public-read"}, (403, "AccessDenied")),
        ({"bucket": "another"}, (403, "AccessDenied")),
        ({"signature": "0" * 64}, (403, "SignatureDoesNotMatch")),
        ({"signature": None}, (403, "SignatureDoesNotMatch")),
        ({"policy": None}, (403, "SignatureDoesNotMatch")),
        ({"policy": "e30="}, (403, "SignatureDoesNotMatch")),
        ({"file": None}, (400, "InvalidArgument")),
        ({"file": "text instead of a file"}, (400, "InvalidArgument")),
        ({"more": SimpleUploadedFile("y", b"second")}, (400, "InvalidArgument")),
        ({"key": ["1/1/another", "1/1/more"]}, (403, "AccessDenied")),
    ],
    ids=str,
)
def test_any_other_field_is_refused(client, upload, changes, answer):
    assert sent(client, upload_forms.upload_form(upload), **changes) == answer
    assert files_of(upload) == []


def test_a_policy_that_somebody_wrote_is_refused(client, upload):
    form = upload_forms.upload_form(upload)
    policy = forged(form, key="1/1/another")
    assert sent(client, form, policy=policy, key="1/1/another") == (403, "SignatureDoesNotMatch")


def test_the_form_of_one_upload_does_not_reach_another(client, host, lot, upload):
    other = upload_forms.upload_form(uploads.upload_begin(actor=host, lot=lot, content_type="image/jpeg"))
    assert sent(client, other, key=upload.key) == (403, "AccessDenied")
    assert files_of(upload) == []


@pytest.mark.parametrize(
    ("size", "answer"),
    [(0, (400, "EntityTooSmall")), (1, (201, None)), (9, (201, None)), (10, (400, "EntityTooLarge"))],
)
def test_the_size_is_held_to_its_range(client, upload, monkeypatch, size, answer):
    monkeypatch.setattr(upload_forms, "MAX_UPLOAD_BYTES", 9)
    assert sent(client, upload_forms.upload_form(upload), b"x" * size) == answer


def test_what_says_that_it_is_too_long_is_refused_whatever_its_policy_says(client, upload, monkeypatch):
    monkeypatch.setattr(views_pictures, "MAX_UPLOAD_BYTES", 9)
    monkeypatch.setattr(views_pictures, "_FORM_BYTES", 1_000)
    assert sent(client, upload_forms.upload_form(upload), b"x" * 5_000) == (400, "EntityTooLarge")


def test_a_form_has_an_end(client, upload, monkeypatch):
    monkeypatch.setattr(upload_forms, "FORM_LIFETIME", timedelta(0))
    assert sent(client, upload_forms.upload_form(upload)) == (403, "ExpiredToken")
    assert files_of(upload) == []


def test_what_was_sent_is_nowhere_to_be_seen(client, upload):
    uploads.raw_files().save(upload.key, ContentFile(b"<script>"))
    for path in (f"/media/{upload.key}", f"/media/uploads/{upload.key}", f"/media/../uploads/{upload.key}"):
        assert client.get(path).status_code in (400, 404)
