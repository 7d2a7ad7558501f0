"""The indexer that a Django project begins with: web3.py, a set of addresses, and bulk_create."""

import json
import os
from pathlib import Path

import django
from django.conf import settings
from django.db import connection, models
from psycopg.conninfo import conninfo_to_dict
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
BLOCKS = 100

given = conninfo_to_dict(os.environ["DATABASE_DSN"])
database = {key.upper(): value for key, value in given.items() if key in ("host", "port", "user", "password")}
settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": given["dbname"], **database}}
)
django.setup()


class Position(models.Model):
    pk = models.CompositePrimaryKey("address", "pool")
    address = models.BinaryField()
    pool = models.BinaryField()
    block = models.BigIntegerField()

    class Meta:
        app_label = "peer"
        db_table = "position"


def read(w3: Web3, first: int, last: int) -> None:
    try:
        logs = w3.eth.get_logs({"fromBlock": first, "toBlock": last, "topics": [TRANSFER]})
    except Web3RPCError:
        middle = (first + last) // 2
        read(w3, first, middle)
        read(w3, middle + 1, last)
        return
    Position._default_manager.bulk_create(
        [
            Position(address=bytes(log["topics"][2][-20:]), pool=bytes.fromhex(log["address"][2:]), block=number)
            for log in logs
            if log["address"].lower() in watched and (number := log["blockNumber"])
        ],
        ignore_conflicts=True,
    )


watched = set(json.loads(Path(os.environ["POOLS"]).read_text()))
with connection.schema_editor() as editor:
    editor.create_model(Position)
w3 = Web3(HTTPProvider(os.environ["RPC_URL"]))
end = int(os.environ["LAST_BLOCK"])
for start in range(int(os.environ["FIRST_BLOCK"]), end + 1, BLOCKS):
    read(w3, start, min(start + BLOCKS - 1, end))
