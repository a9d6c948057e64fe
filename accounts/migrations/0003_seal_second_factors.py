from django.db import migrations

from accounts.sealing import each_secret, seal, unseal


def _change(apps, change):
    for authenticator in apps.get_model("mfa", "Authenticator").objects.exclude(type="webauthn"):
        authenticator.data = each_secret(authenticator.data, change)
        authenticator.save(update_fields=["data"])


def seal_all(apps, schema_editor):
    _change(apps, seal)


def unseal_all(apps, schema_editor):
    _change(apps, unseal)


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0002_people"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]

    operations = [
        migrations.RunPython(seal_all, unseal_all),
    ]
