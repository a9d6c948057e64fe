"""Closings are signed, keys are kept, and what an old key signed stays verifiable."""

import base64
import os
import stat
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from bidding.chain import head_message
from bidding.ledger import Ledger
from bidding.models import Event, SignedHead, SigningKey
from bidding.records import lot_record
from bidding.signing import public_keys, signing_key_publish, signing_key_rotate
from bidding.tests.conftest import Show
from bidding.tests.evenings import ANNA, Evening, whole_evening
from bidding.verification import verify_record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_key(settings: Settings, tmp_path: Path) -> Path:
    """Keep the key of each test in a folder of its own."""
    settings.SIGNING_KEY = ""
    settings.SIGNING_KEY_FILE = tmp_path / "kept" / "signing-key"
    path: Path = settings.SIGNING_KEY_FILE
    return path


def seed_of(text: str) -> str:
    return base64.b64encode(text.ljust(32).encode()).decode()


def test_every_closing_and_the_end_are_signed_with_the_hash_of_their_entry(make_show: Callable[..., Show]) -> None:
    evening = whole_evening(make_show)
    signed = list(SignedHead.objects.order_by("v"))
    closings = Event.objects.filter(kind__in=("LOT_CLOSED", "AUCTION_ENDED")).order_by("v")
    assert [(head.v, head.hash) for head in signed] == [(event.v, event.hash) for event in closings]
    assert len(signed) == 4
    for head in signed:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head.key.public_key))
        key.verify(bytes.fromhex(head.signature), head_message(evening.show.auction.pk, head.v, head.epoch, head.hash))


def test_signatures_and_events_are_one_transaction(show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "10.00")
    evening.close_by_time(0)
    before = Event.objects.count()
    with monkeypatch.context() as context:
        context.setattr("bidding.signing._private_key", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            show.ledger.store_all()
    assert Event.objects.count() == before
    assert not SignedHead.objects.exists()
    show.ledger.release()
    show.ledger = Ledger()
    show.store()
    assert SignedHead.objects.count() == 1


def test_a_demo_site_makes_one_key_for_itself_and_keeps_it_private(own_key: Path) -> None:
    first = signing_key_publish()
    assert signing_key_publish() == first
    assert SigningKey.objects.count() == 1
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o600
    assert os.listdir(own_key.parent) == ["signing-key"]


def test_production_without_a_key_stops_with_a_clear_line(settings: Settings) -> None:
    settings.SIGNING_KEY_FILE = None
    with pytest.raises(ImproperlyConfigured, match="SIGNING_KEY is not set"):
        signing_key_publish()
    with pytest.raises(CommandError, match="SIGNING_KEY is not set"):
        call_command("run_ledger")


def test_a_key_may_be_a_seed_or_a_pem(settings: Settings) -> None:
    settings.SIGNING_KEY = seed_of("a key")
    by_seed = signing_key_publish()
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(settings.SIGNING_KEY))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in (pem, pem.strip().replace("\n", "\\n")):
        settings.SIGNING_KEY = text
        assert signing_key_publish() == by_seed


def test_what_is_no_ed25519_key_is_refused_without_showing_it(settings: Settings) -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in ("secret", seed_of("x")[:-8], "-----BEGIN PRIVATE KEY-----secret", other):
        settings.SIGNING_KEY = text
        with pytest.raises(ImproperlyConfigured, match="SIGNING_KEY") as raised:
            signing_key_publish()
        assert text not in str(raised.value)


def test_after_a_rotation_old_records_stay_verifiable_and_new_ones_have_the_new_key(show: Show) -> None:
    evening = Evening(show)
    evening.open(0)
    evening.bid(ANNA, "10.00")
    evening.close_by_time(0)
    show.store()
    out = StringIO()
    call_command("rotate_signing_key", stdout=out)
    evening.open(1)
    evening.bid(ANNA, "10.00")
    evening.close_by_time(1)
    show.store()

    old, new = (lot_record(lot) for lot in show.lots)
    assert old is not None
    assert new is not None
    assert old["signature"]["key_id"] != new["signature"]["key_id"]
    assert new["signature"]["key_id"] in out.getvalue()
    for record in (old, new):
        assert verify_record(record, keys=public_keys()).problem is None
    retired = SigningKey.objects.get(key_id=old["signature"]["key_id"])
    assert retired.retired_at is not None
    assert SigningKey.objects.get(key_id=new["signature"]["key_id"]).retired_at is None


def test_where_the_key_is_a_setting_rotating_prints_the_new_one_and_changes_nothing(settings: Settings) -> None:
    settings.SIGNING_KEY = seed_of("before")
    before = signing_key_publish()
    row, secret = signing_key_rotate()
    assert row is None
    assert secret is not None
    assert SigningKey.objects.get() == before
    settings.SIGNING_KEY = secret
    after = signing_key_publish()
    before.refresh_from_db()
    assert (before.retired_at is not None, after.retired_at) == (True, None)


def test_the_public_keys_are_published_with_the_current_one_first(client: Client, settings: Settings) -> None:
    for name in ("first", "second"):
        settings.SIGNING_KEY = seed_of(name)
        signing_key_publish()
    response = client.get("/.well-known/auction-signing-key.json")
    assert response.status_code == 200
    current, previous = response.json()["keys"]
    assert current["kid"] == signing_key_publish().key_id
    assert (current["retired_at"], previous["retired_at"] is not None) == (None, True)
    assert (current["kty"], current["crv"]) == ("OKP", "Ed25519")
    assert set(public_keys()) == {current["kid"], previous["kid"]}
    private = base64.b64decode(settings.SIGNING_KEY)
    assert private.hex() not in response.content.decode()
    assert base64.urlsafe_b64encode(private).decode().rstrip("=") not in response.content.decode()
