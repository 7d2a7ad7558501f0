"""The rows of `settings` that every chain has from the start: locks need rows to hold."""

from django.db import migrations

ROWS = """
INSERT INTO settings (key, value, updated_at) VALUES
    ('latest_block_processed', 'null', now()),
    ('final_block', 'null', now()),
    ('head_block', 'null', now()),
    ('watch_version', '0', now()),
    ('rewind', '{"count": 0, "ancestor": null}', now()),
    ('coverage', '{"complete": false, "check_also": [], "check_also_count": 0}', now())
"""


class Migration(migrations.Migration):
    dependencies = [("positions", "0001_initial")]

    operations = [migrations.RunSQL(ROWS, "DELETE FROM settings")]
