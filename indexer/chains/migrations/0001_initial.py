import django.core.validators
import django_tenants.postgresql_backend.base
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Chain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('schema_name', models.CharField(db_index=True, max_length=63, unique=True, validators=[django_tenants.postgresql_backend.base._check_schema_name])),
                ('slug', models.CharField(max_length=40, unique=True, validators=[django.core.validators.RegexValidator('^[a-z][a-z0-9_]{0,39}\\Z', "a chain's slug is lower-case letters, digits and _, begins with a letter, 40 at most")])),
                ('chain_id', models.BigIntegerField(help_text='EIP-155 chain id, as eth_chainId answers it', unique=True, validators=[django.core.validators.MinValueValidator(1)])),
                ('floor', models.BigIntegerField(default=0, help_text='The first block that answers speak of; shown as `from`')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'ordering': ['chain_id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('floor__gte', 0)), name='chain_floor_not_negative')],
            },
        ),
    ]
