from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workers', '0001_initial'),
    ]

    operations = [
        # Before a column is computed from it: PostgreSQL would refuse to change its type afterwards.
        migrations.AlterField(
            model_name='workerrow',
            name='name',
            field=models.CharField(max_length=200, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='workerevent',
            name='worker',
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name='workerline',
            name='worker',
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name='workerorder',
            name='worker',
            field=models.CharField(max_length=200),
        ),
        migrations.AddField(
            model_name='workerrow',
            name='program',
            field=models.GeneratedField(db_persist=True, expression=models.Func(models.F('name'), models.Value('@'), models.Value(1), function='split_part'), output_field=models.CharField(max_length=200)),
        ),
        migrations.AddConstraint(
            model_name='workerrow',
            constraint=models.UniqueConstraint(fields=('host', 'program'), name='workers_of_a_machine'),
        ),
    ]
