"""How workers take runs out of the line: no more at once than the deployment may, whatever process asks."""

from django.db import migrations

# Askers take turns, by a lock that ends with their transaction, so that two of them never see the same free place.
CREATE = """
CREATE FUNCTION task_fetch(queues character varying[], worker bigint, most integer) RETURNS procrastinate_jobs
LANGUAGE plpgsql AS $$
DECLARE
    found procrastinate_jobs;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('footprint task_fetch', 0));
    IF (SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing') < most THEN
        found := procrastinate_fetch_job_v2(queues, worker);
    END IF;
    RETURN found;
END;
$$
"""
DROP = "DROP FUNCTION task_fetch(character varying[], bigint, integer)"


class Migration(migrations.Migration):
    dependencies = [
        ("tasks", "0001_initial"),
        ("procrastinate", "0041_post_retry_failed_job"),
    ]

    operations = [migrations.RunSQL(CREATE, DROP)]
