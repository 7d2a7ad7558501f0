import django.db.models.deletion
import django.db.models.functions.datetime
import indexer.positions.models.fields
import psycopg.types.multirange
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Block',
            fields=[
                ('number', models.BigIntegerField(primary_key=True, serialize=False)),
                ('hash', models.BinaryField(help_text='32 bytes')),
                ('parent_hash', models.BinaryField(help_text='32 bytes')),
                ('timestamp', models.BigIntegerField(help_text='seconds since 1970')),
            ],
            options={
                'db_table': 'blocks',
            },
        ),
        migrations.CreateModel(
            name='Log',
            fields=[
                ('pk', models.CompositePrimaryKey('address', 'job_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('address', models.BinaryField(help_text='20 bytes')),
                ('job_id', models.IntegerField()),
                ('first_block', models.BigIntegerField(help_text='the earliest block known to touch')),
            ],
            options={
                'db_table': 'logs',
            },
        ),
        migrations.CreateModel(
            name='LogMetadata',
            fields=[
                ('pk', models.CompositePrimaryKey('address', 'job_id', 'key', 'value_sha256', blank=True, editable=False, primary_key=True, serialize=False)),
                ('address', models.BinaryField(help_text='20 bytes')),
                ('job_id', models.IntegerField()),
                ('key', models.TextField()),
                ('value_sha256', models.BinaryField(help_text='values may be longer than an index entry can be')),
                ('value', models.TextField()),
                ('first_block', models.BigIntegerField()),
            ],
            options={
                'db_table': 'log_metadata',
            },
        ),
        migrations.CreateModel(
            name='Setting',
            fields=[
                ('key', models.TextField(primary_key=True, serialize=False)),
                ('value', models.JSONField()),
                ('updated_at', models.DateTimeField(auto_now=True, db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'db_table': 'settings',
            },
        ),
        migrations.CreateModel(
            name='UnreadableLog',
            fields=[
                ('pk', models.CompositePrimaryKey('job_id', 'block_number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('job_id', models.IntegerField()),
                ('block_number', models.BigIntegerField()),
                ('count', models.IntegerField()),
                ('reason', models.TextField(help_text='why the first of them could not be read')),
            ],
            options={
                'db_table': 'unreadable_logs',
            },
        ),
        migrations.CreateModel(
            name='Unsettled',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('block_number', models.BigIntegerField(db_index=True)),
                ('address', models.BinaryField(help_text='20 bytes')),
                ('job_id', models.IntegerField()),
                ('key', models.TextField(null=True)),
                ('value_sha256', models.BinaryField(null=True)),
            ],
            options={
                'db_table': 'unsettled',
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('contract_address', models.BinaryField(help_text='20 bytes')),
                ('topic0', models.BinaryField(help_text='32 bytes')),
                ('user_topic', models.SmallIntegerField(help_text="the topic (1..3) that holds the user's address", null=True)),
                ('abi', models.TextField(help_text='canonical text of the event, where the user is a named argument', null=True)),
                ('user_argument', models.TextField(null=True)),
                ('metadata_argument', models.TextField(null=True)),
                ('transform', models.TextField(null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('retired', models.BooleanField(default=False, help_text='hidden from lookups; its rows are on their way out')),
                ('floor', models.BigIntegerField(help_text='nothing earlier is promised')),
                ('live_from', models.BigIntegerField(help_text='the latest loop covers the job from this block', null=True)),
                ('covered', indexer.positions.models.fields.BlockRangesField(default=psycopg.types.multirange.Int8Multirange, help_text='final blocks the historic loop has finished, or the latest loop has left')),
                ('complete', models.BooleanField(default=False, help_text="covered from its floor up to the latest loop's cursor")),
                ('unreadable', models.BigIntegerField(default=0, help_text='logs that do not fit the definition')),
                ('attempts', models.IntegerField(default=0, help_text='failed attempts since the last success')),
                ('error', models.TextField(null=True)),
                ('next_attempt', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'jobs',
                'indexes': [models.Index(condition=models.Q(('enabled', True), ('live_from', None)), fields=['id'], name='jobs_to_take_up'), models.Index(condition=models.Q(('enabled', True), ('retired', False), models.Q(('complete', False), ('unreadable__gt', 0), _connector='OR')), fields=['contract_address'], name='jobs_to_check'), models.Index(condition=models.Q(('retired', True)), fields=['id'], name='jobs_retired')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('retired', False)), fields=('contract_address', 'topic0', 'user_topic', 'abi', 'user_argument', 'metadata_argument', 'transform'), name='jobs_definition', nulls_distinct=False)],
            },
        ),
        migrations.CreateModel(
            name='Scan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'scans',
                'indexes': [models.Index(condition=models.Q(('finished_at', None)), fields=['id'], name='scans_unfinished')],
            },
        ),
        migrations.CreateModel(
            name='ScanJob',
            fields=[
                ('pk', models.CompositePrimaryKey('scan_id', 'job_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('need', indexer.positions.models.fields.BlockRangesField(default=psycopg.types.multirange.Int8Multirange)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='positions.job')),
                ('scan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='positions.scan')),
            ],
            options={
                'db_table': 'scan_jobs',
            },
        ),
        migrations.CreateModel(
            name='JobLabel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.TextField()),
                ('protocol', models.TextField()),
                ('product', models.TextField()),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='labels', to='positions.job')),
            ],
            options={
                'db_table': 'job_labels',
                'constraints': [models.UniqueConstraint(fields=('job', 'source', 'protocol', 'product'), name='job_labels_once')],
            },
        ),
        migrations.CreateModel(
            name='Segment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_block', models.BigIntegerField()),
                ('to_block', models.BigIntegerField()),
                ('cursor', models.BigIntegerField(help_text='the next block to read; to_block + 1 when finished')),
                ('owner', models.TextField(null=True)),
                ('lease_until', models.DateTimeField(null=True)),
                ('log_count', models.BigIntegerField(default=0)),
                ('attempts', models.IntegerField(default=0, help_text='failed attempts since the last success')),
                ('error', models.TextField(null=True)),
                ('next_attempt', models.DateTimeField(null=True)),
                ('scan', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='segments', to='positions.scan')),
            ],
            options={
                'db_table': 'segments',
                'indexes': [models.Index(condition=models.Q(('cursor__lte', models.F('to_block'))), fields=['id'], name='segments_unfinished')],
            },
        ),
    ]
