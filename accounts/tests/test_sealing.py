"""What second factors are made from is stored sealed, and the key can be replaced."""

from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.sealing import NotOpened, reseal_all, seal, unseal
from accounts.tests.conftest import SECRET, app_code, sign_in, with_app
from tests.cast import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("public_site")]

OLD, NEW = "an-old-key-of-more-than-32-characters", "a-new-key-of-more-than-32-characters"


def stored():
    """Return the whole table as its reader sees it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data FROM mfa_authenticator ORDER BY id")
        return "".join(str(row) for row in cursor.fetchall())


def opens(user):
    """Say whether both of somebody's second factors can be used."""
    by_type = {each.type: each for each in Authenticator.objects.filter(user=user)}
    codes = RecoveryCodes(by_type["recovery_codes"])
    return TOTP(by_type["totp"]).validate_code(app_code()) and codes.validate_code(codes.get_unused_codes()[0])


@pytest.fixture
def staff(staff):
    """Return the administrator, who has an app and recovery codes."""
    with_app(staff)
    RecoveryCodes.activate(staff)
    return staff


def test_the_database_holds_nothing_that_makes_a_code(monkeypatch, bidder):
    monkeypatch.setattr(RecoveryCodes, "generate_seed", lambda *_: "the-seed-in-the-clear")
    with_app(bidder)
    RecoveryCodes.activate(bidder)
    assert SECRET not in stored()
    assert "the-seed" not in stored()
    assert opens(bidder)


def test_the_same_secret_is_never_sealed_alike():
    assert seal("x") != seal("x")
    assert unseal(seal("x")) == "x"


def test_setting_up_and_signing_in_is_as_before(client, staff):
    sign_in(client, staff, PASSWORD)
    assert client.post("/accounts/2fa/authenticate/", {"code": app_code()}).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_a_key_is_replaced_without_anybody_setting_up_anything_anew(settings, bidder, side, capsys):
    settings.SECOND_FACTOR_KEYS = [OLD]
    with_app(bidder)
    RecoveryCodes.activate(bidder)
    settings.SECOND_FACTOR_KEYS = [NEW, OLD]
    assert opens(bidder)
    call_command("reseal_second_factors")
    assert capsys.readouterr().out == "2 sealed with the first key.\n"
    side.flushall()  # where it is remembered that the code was used
    settings.SECOND_FACTOR_KEYS = [NEW]
    assert opens(bidder)
    settings.SECOND_FACTOR_KEYS = [OLD]
    with pytest.raises(NotOpened):
        opens(bidder)


def test_a_key_that_is_missing_changes_nothing_and_is_told(settings, bidder, staff):
    settings.SECOND_FACTOR_KEYS = [OLD]
    with_app(bidder)
    before = stored()
    with pytest.raises(CommandError, match="Put back the key"):
        call_command("reseal_second_factors")
    assert stored() == before


def test_passkeys_are_public_and_stay_as_they_are(bidder):
    data = {"name": "Phone", "credential": {"id": "x"}}
    Authenticator.objects.create(user=bidder, type=Authenticator.Type.WEBAUTHN, data=data)
    assert reseal_all() == 0
    assert Authenticator.objects.get().data == data


def test_what_was_stored_before_is_sealed_by_the_migration_and_back(bidder):
    plain = [
        ("totp", {"secret": SECRET}),
        ("recovery_codes", {"seed": "a-seed", "used_mask": 0, "migrated_codes": ["1234", "5678"]}),
    ]
    for kind, data in plain:
        Authenticator.objects.create(user=bidder, type=kind, data=data)
    migration = import_module("accounts.migrations.0003_seal_second_factors")
    migration.seal_all(apps, None)
    assert not any(value in stored() for value in (SECRET, "a-seed", "1234", "5678"))
    assert TOTP(Authenticator.objects.get(type="totp")).validate_code(app_code())
    assert RecoveryCodes(Authenticator.objects.get(type="recovery_codes")).get_unused_codes() == ["1234", "5678"]
    migration.unseal_all(apps, None)
    assert [(each.type, each.data) for each in Authenticator.objects.order_by("pk")] == plain
