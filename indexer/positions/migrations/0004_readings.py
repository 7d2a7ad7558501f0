"""What every block was checked against: readings, and what was read before there were any, as one endpoint's word."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
import indexer.positions.models.fields
from django.db import migrations, models

ROWS = """
INSERT INTO settings (key, value, updated_at) VALUES
    ('levels', '{}', now()),
    ('left_version', '0', now())
"""
BEFORE = """
INSERT INTO readings (scan_id, from_block, to_block, level, endpoints)
SELECT scan_id, from_block, cursor - 1, 0, '{}'::text[] FROM segments WHERE cursor > from_block
UNION ALL
SELECT NULL, min(live_from), final.block, 0, '{}'::text[]
FROM jobs, (SELECT (value #>> '{}')::bigint AS block FROM settings WHERE key = 'final_block') AS final
GROUP BY final.block HAVING min(live_from) <= final.block;
UPDATE segments SET level = 0 WHERE cursor > from_block;
UPDATE blocks SET level = 0, endpoints = '{}'
WHERE number > (SELECT (value #>> '{}')::bigint FROM settings WHERE key = 'final_block');
UPDATE settings SET value = '{"claimed": 1}'
WHERE key = 'levels' AND EXISTS (SELECT FROM settings WHERE key = 'latest_block_processed' AND value <> 'null')
"""


class Migration(migrations.Migration):

    dependencies = [
        ('positions', '0003_logs_of_job'),
    ]

    operations = [
        migrations.AddField(
            model_name='block',
            name='digest',
            field=indexer.positions.models.fields.DigestField(decimal_places=0, max_digits=39, null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='endpoints',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='labels of those whose answers it rests on', null=True, size=None),
        ),
        migrations.AddField(
            model_name='block',
            name='level',
            field=models.SmallIntegerField(help_text='what its logs were checked against: a Level', null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='log_count',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='block',
            name='watch_version',
            field=models.IntegerField(help_text='the set of jobs it was matched against', null=True),
        ),
        migrations.AddField(
            model_name='scan',
            name='left',
            field=models.BooleanField(db_default=False, default=False, help_text='a job has left it: reading it again finds other logs'),
        ),
        migrations.AddField(
            model_name='segment',
            name='digest',
            field=indexer.positions.models.fields.DigestField(db_default=0, decimal_places=0, default=0, max_digits=39),
        ),
        migrations.AddField(
            model_name='segment',
            name='level',
            field=models.SmallIntegerField(help_text='the weakest Level of what is read', null=True),
        ),
        migrations.CreateModel(
            name='Reading',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scan_id', models.BigIntegerField(null=True)),
                ('from_block', models.BigIntegerField()),
                ('to_block', models.BigIntegerField()),
                ('level', models.SmallIntegerField()),
                ('endpoints', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='labels of those whose answers it rests on', size=None)),
                ('log_count', models.BigIntegerField(null=True)),
                ('digest', indexer.positions.models.fields.DigestField(decimal_places=0, max_digits=39, null=True)),
                ('watch_version', models.IntegerField(help_text='the latest loop: the set of jobs it was matched against', null=True)),
                ('read_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('audited_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'readings',
                'indexes': [models.Index(fields=['scan_id', 'to_block'], name='readings_in_order')],
            },
        ),
        migrations.RunSQL(ROWS, "DELETE FROM settings WHERE key IN ('levels', 'left_version')"),
        migrations.RunSQL(BEFORE, migrations.RunSQL.noop),
    ]
