"""Checks switched off one at a time, by name: a simulation that does not notice would notice nothing.

An edit replaces a piece of a function's source, or of a statement, by another; one whose piece is not there any more
raises, so that no mutation is a mutation of nothing.
"""

import __future__

import inspect
import linecache
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from indexer.chains import endpoints
from indexer.positions import latest, pieces, readahead, reader, settling, watch
from indexer.positions.protocol import bulk, head, ledger, segments, store, takeup, undo
from indexer.rpc import answers, asking, blocks, client, heads, integrity, member, node, scan


class Edit(NamedTuple):
    """`name` of a function, of a method (Class.method) or of a statement in `module`; an empty `old` is all of it."""

    module: ModuleType
    name: str
    old: str
    new: str


ANNOTATIONS = __future__.annotations.compiler_flag
NOTHING = "SELECT %(above)s::int"

MUTATIONS: Mapping[str, Sequence[Edit]] = {
    # What an answer says of itself.
    "log block hash": [Edit(integrity, "check_block_logs", "if log.block_hash != expected", "if False")],
    "log number in range": [Edit(integrity, "check_range_logs", "if not first <= number <= last", "if False")],
    "duplicates": [
        Edit(integrity, "check_range_logs", "if (number, index) in placed", "if False"),
        Edit(integrity, "check_range_logs", "return [placed[place] for place in sorted(placed)]", "return list(logs)"),
    ],
    "removed": [Edit(integrity, "check_range_logs", "if log.removed", "if False")],
    "removed, once more": [Edit(watch, "WatchIndex.match", "if not topics or log.removed", "if not topics")],
    "log index garbage": [Edit(integrity, "check_range_logs", "if index > LARGEST_LOG_INDEX", "if False")],
    "id of answers": [
        Edit(client, "Endpoint._result_of", "if reply.number != number", "if False"),
        Edit(scan, "LogScanner.read", "or {begin[1], end[1]} - {None} != {str(number).encode()}", ""),
    ],
    "null entries": [
        Edit(
            node,
            f"Node.{method}",
            asked,
            "[log for log in self.endpoint.call(method, params, list[Log | None]) if log is not None]",
        )
        for method, asked in (
            ("block_logs", "self.endpoint.call(method, params, list[Log])"),
            ("wanted_logs", "self.endpoint.call_logs(method, params, wanted, fits)"),
        )
    ],
    # What a block proves.
    "receipts root": [Edit(blocks, "BlockReader._prove", "fits = receipts.root == root", "fits = True")],
    "bloom: what did not come": [Edit(blocks, "BlockReader._by_bloom", "if possible <= came", "if True")],
    "bloom: what came": [Edit(blocks, "BlockReader._check_bloom", "if stranger is not None and", "if False and")],
    "header hash": [Edit(answers, "HeaderAnswer.to_header", "header_hash(self) == hash", "True")],
    "second endpoint": [
        Edit(blocks, "BlockReader._agreed", "if same_logs(one.logs, other.logs)", "if True"),
    ],
    # What ranges of the past are held against.
    "boundary headers": [Edit(reader, "RangeReader._read_range", "check_boundaries(", "(lambda *args: None)(")],
    "anchor": [Edit(reader, "read_headers", "if there is None or there.hash != anchor[1]", "if False")],
    "round counts": [Edit(pieces, "Pieces.whole", "if not is_round(found.seen)", "if True")],
    # Whom to believe.
    "majority for canonical": [Edit(heads, "majority_block", "2 * votes[header.hash] > len(answers)", "True")],
    "majority head": [Edit(heads, "majority_head", "[len(heads) // 2]", "[0]")],
    "head clamp": [Edit(member, "Record.reaches", "if need.last is None", "if True")],
    "wrong chain": [
        Edit(endpoints, "check_chain_id", "if found.chain_id != chain_id", "if False"),
        Edit(endpoints, "check_genesis", "if genesis is not None and", "if False and"),
    ],
    "quarantine": [Edit(asking, "Asking._note", "if isinstance(error, Refused) and first is not None", "if False")],
    # The chain.
    "parent link": [Edit(latest, "LatestLoop.advance_one", "if header.parent_hash != base.hash", "if False")],
    "parent links": [Edit(readahead, "linked", "if header.parent_hash != found[-1].hash", "if False")],
    "cursor compare": [
        Edit(
            head,
            "commit_blocks",
            "(state.cursor, state.watch_version) != (base.number, base.watch_version)",
            "state.watch_version != base.watch_version",
        )
    ],
    "watch version": [
        Edit(
            head,
            "commit_blocks",
            "(state.cursor, state.watch_version) != (base.number, base.watch_version)",
            "state.cursor != base.number",
        )
    ],
    "rewind": [Edit(segments, "is_standing", "return since == 0 or", "return True or")],
    "segment's end": [Edit(segments, "ADVANCE", " AND to_block >= %(last)s", "")],
    "segment's owner": [Edit(segments, "ADVANCE", " AND owner = %(owner)s", "")],
    "segment's cursor": [Edit(segments, "ADVANCE", " AND cursor = %(first)s", "")],
    "take-up's hashes": [
        Edit(
            takeup,
            "commit_take_up",
            "if known_hashes(cur, take_up.state.final, take_up.state.cursor) !=",
            "if None and",
        ),
    ],
    # The rows.
    "earliest block": [
        Edit(store, "LOGS", "WHERE logs.first_block > EXCLUDED.first_block", ""),
        Edit(bulk, "INSERT", " AND logs.first_block - pair.first_block <= 0", ""),
    ],
    "undo of rows": [Edit(undo, "UNSETTLED_LOGS", "", NOTHING)],
    "undo of metadata": [Edit(undo, "UNSETTLED_METADATA", "", NOTHING)],
    "undo of unreadable logs": [Edit(undo, "UNREADABLE", "", NOTHING)],
    "undo below final": [Edit(undo, "take_back", "if deep:", "if False:")],
    # What is said of it.
    "weakest level": [
        Edit(ledger, "TAKE_UP", "level = least(coalesce(blocks.level, 0), taken.level)", "level = taken.level")
    ],
    "level at once": [Edit(segments, "note_readings", "count_level_if_new(", "(lambda *args: None)(")],
    "digests of who left": [
        Edit(
            ledger,
            "TAKE_UP",
            " AND blocks.watch_version >= (SELECT value::int FROM settings WHERE key = %(left)s)",
            " AND %(left)s <> ''",
        )
    ],
    "who is right": [Edit(settling, "settle", "truth.level is Level.CLAIMED", "False")],
}


@contextmanager
def without(names: Iterable[str]) -> Iterator[None]:
    """Switch these checks off. Raises LookupError where one of them is not there as it is known here."""
    with ExitStack() as stack:
        for edit in (edit for name in names for edit in MUTATIONS[name]):
            stack.callback(switch(edit))
        yield


def switch(edit: Edit) -> Any:
    """Make the edit; returns what takes it back."""
    holder: Any = edit.module
    *owners, name = edit.name.split(".")
    for owner in owners:
        holder = getattr(holder, owner)
    found = vars(holder)[name]
    if not isinstance(found, FunctionType):
        setattr(holder, name, replaced(found, edit))
        return lambda: setattr(holder, name, found)
    # The code alone is exchanged, so that whoever has imported the function has the other one, too.
    source = replaced(textwrap.dedent(inspect.getsource(found)), edit)
    file = f"<without {edit.old} in {edit.name}>"
    # Where a second edit of the same function finds its source.
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    made: dict[str, Any] = {}
    exec(compile(source, file, "exec", ANNOTATIONS), vars(edit.module), made)
    code = found.__code__
    found.__code__ = made[name].__code__

    def restore() -> None:
        found.__code__ = code

    return restore


def replaced(text: str, edit: Edit) -> str:
    if not edit.old:
        return edit.new
    if text.count(edit.old) != 1:
        raise LookupError(
            f"{edit.module.__name__}.{edit.name} holds {edit.old!r} {text.count(edit.old)} times, not once"
        )
    return text.replace(edit.old, edit.new)
