"""Unlogged: a lost minute of counting costs nobody anything, and a request must not wait for the disk."""

from django.db import migrations

TABLE = """
CREATE UNLOGGED TABLE api_key_uses (
    key_id bigint PRIMARY KEY REFERENCES api_keys ON DELETE CASCADE,
    spent_until timestamptz NOT NULL,
    refused boolean NOT NULL,
    last_used timestamptz NOT NULL
) WITH (fillfactor = 50)
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE api_key_uses")]
