"""The indexer that a Django project begins with: web3.py, a set of addresses, and bulk_create.

With DECODED set the events are decoded by their ABI, as web3.py's documentation reads them (`process_log`); without
it only the two fields that are needed are taken from each raw log, which is as fast as web3.py gets.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection, models
from psycopg.conninfo import conninfo_to_dict
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
ABI: list[dict[str, Any]] = [
    {
        "type": "event",
        "name": "Transfer",
        "anonymous": False,
        "inputs": [
            {"name": "from", "type": "address", "indexed": True},
            {"name": "to", "type": "address", "indexed": True},
            {"name": "value", "type": "uint256", "indexed": False},
        ],
    }
]
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


def decoded(first: int, last: int) -> Iterator[Position]:
    for log in w3.eth.get_logs({"fromBlock": first, "toBlock": last, "topics": [TRANSFER]}):
        event = transfer.process_log(log)
        if event["address"].lower() in watched:
            yield Position(
                address=bytes.fromhex(event["args"]["to"][2:]),
                pool=bytes.fromhex(event["address"][2:]),
                block=event["blockNumber"],
            )


def raw(first: int, last: int) -> Iterator[Position]:
    for log in w3.eth.get_logs({"fromBlock": first, "toBlock": last, "topics": [TRANSFER]}):
        if log["address"].lower() in watched:
            yield Position(
                address=bytes(log["topics"][2][-20:]), pool=bytes.fromhex(log["address"][2:]), block=log["blockNumber"]
            )


def read(first: int, last: int) -> None:
    try:
        positions = list(positions_of(first, last))
    except Web3RPCError:
        middle = (first + last) // 2
        read(first, middle)
        read(middle + 1, last)
        return
    Position._default_manager.bulk_create(positions, ignore_conflicts=True)


watched = set(json.loads(Path(os.environ["POOLS"]).read_text()))
with connection.schema_editor() as editor:
    editor.create_model(Position)
w3 = Web3(HTTPProvider(os.environ["RPC_URL"]))
transfer = w3.eth.contract(abi=ABI).events.Transfer()
positions_of = decoded if "DECODED" in os.environ else raw
end = int(os.environ["LAST_BLOCK"])
for start in range(int(os.environ["FIRST_BLOCK"]), end + 1, BLOCKS):
    read(start, min(start + BLOCKS - 1, end))
