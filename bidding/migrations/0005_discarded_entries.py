
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('auctions', '0001_initial'),
        ('bidding', '0004_bid_offers'),
    ]

    operations = [
        migrations.CreateModel(
            name='DiscardedEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.CharField(max_length=16)),
                ('v', models.BigIntegerField()),
                ('s', models.PositiveIntegerField(default=0)),
                ('kind', models.CharField(max_length=24)),
                ('at_ms', models.BigIntegerField()),
                ('public', models.TextField()),
                ('private', models.TextField()),
                ('salt', models.CharField(max_length=64)),
                ('discarded_at', models.DateTimeField(auto_now_add=True)),
                ('auction', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='discarded_entries', to='auctions.auction')),
            ],
            options={
                'verbose_name': 'discarded entry',
                'verbose_name_plural': 'discarded entries',
                'ordering': ('auction', 'v', 's', 'pk'),
                'constraints': [models.UniqueConstraint(fields=('auction', 'v', 's', 'salt'), name='discardedentry_once')],
            },
        ),
    ]
