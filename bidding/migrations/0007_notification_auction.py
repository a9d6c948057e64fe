# The rows are filled apart from the next migration: PostgreSQL changes no table whose rows a transaction has touched.

import django.db.models.deletion
from django.db import migrations, models


def fill(apps, schema_editor):
    notifications = apps.get_model("bidding", "Notification").objects
    runs = apps.get_model("auctions", "LotRun").objects.filter(pk=models.OuterRef("run"))
    notifications.filter(auction=None).update(auction=models.Subquery(runs.values("auction")))


class Migration(migrations.Migration):

    dependencies = [
        ('auctions', '0010_following'),
        ('bidding', '0006_chat_removed_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='auction',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='notifications', to='auctions.auction'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
