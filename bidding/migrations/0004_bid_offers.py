from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bidding", "0003_bid_channel_absentee"),
    ]

    operations = [
        migrations.AddField(
            model_name="bid",
            name="offer_s",
            field=models.PositiveIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="bid",
            name="offer_v",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
    ]
