"""For other programs: which positions a block's receipts open, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from indexer.positions.address import checksum
from indexer.positions.definition import Definition
from indexer.positions.watch import WatchIndex, watch_key
from indexer.positions.watchlist import WatchList


class Position(NamedTuple):
    """`address` had a position with `contract` (both EIP-55) in `block`; `key` and `value` are its metadata."""

    address: str
    contract: str
    key: str | None
    value: str | None
    block: int


def token_event_mappings(watch_lists: WatchList | Iterable[WatchList]) -> dict[str, list[Definition]]:
    """List the definitions of one or more watch lists of a chain by watch key, each once, whatever its labels."""
    lists = [watch_lists] if isinstance(watch_lists, WatchList) else watch_lists
    mappings: dict[str, dict[Definition, None]] = {}
    for watch_list in lists:
        for entry in watch_list.entries:
            if entry.definition is not None:
                key = watch_key(entry.contract, entry.definition.topic0)
                mappings.setdefault(key, {})[entry.definition] = None
    return {key: list(definitions) for key, definitions in mappings.items()}


def process_receipts(
    receipts: Iterable[Mapping[str, Any]], mappings: Mapping[str, Sequence[Definition]]
) -> list[Position]:
    """Find the positions in receipts as `eth_getBlockReceipts` gives them (JSON objects), each once per block.

    The logs are read as the loops read them; one that does not fit its definition gives no position. The work depends
    on the logs, not on the size of `mappings`. Raises ValueError for a receipt without logs: it is no answer, while an
    empty list is one.
    """
    logs = list(_read_logs(receipts))
    keys = dict.fromkeys(watch_key(log.address, log.topics[0]) for log in logs if log.topics)
    definitions = [definition for key in keys for definition in mappings.get(key, ())]
    touches = WatchIndex(enumerate(definitions)).match(logs).touches
    return list(
        dict.fromkeys(
            Position(
                checksum(touch.address), checksum(definitions[touch.job].contract), touch.key, touch.value, touch.block
            )
            for touch in touches
        )
    )


class _ReceiptLog(NamedTuple):
    address: str
    topics: list[str]
    data: str
    block_number: int
    removed: bool


def _read_logs(receipts: Iterable[Mapping[str, Any]]) -> Iterator[_ReceiptLog]:
    for receipt in receipts:
        logs = receipt.get("logs") if isinstance(receipt, Mapping) else None
        if not isinstance(logs, list):
            raise ValueError("a receipt without its list of logs: ask the node again")
        for log in logs:
            try:
                yield _ReceiptLog(
                    _text(log["address"]),
                    [_text(topic) for topic in log["topics"]],
                    _text(log["data"]),
                    int(_text(log["blockNumber"]), 16),
                    bool(log.get("removed", False)),
                )
            except (KeyError, TypeError, AttributeError, ValueError) as error:
                raise ValueError(f"a receipt's log is not as eth_getBlockReceipts gives it: {error!r:.80}") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"hex text expected, not {type(value).__name__}")
    return value.lower()
