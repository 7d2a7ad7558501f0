"""What the questions about the market share: chains by any of their names, ids, and where a page goes on."""

from uuid import UUID

from django.http import QueryDict

from api.parameters import next_page
from api.problems import wrong
from api.questions import MOST_FAULTS, shorten, wrong_parameter
from indexer.market.answers.chains import find_unknown
from indexer.market.answers.paging import Key, cursor_pattern, read_cursor, write_cursor

CHAINS = "chains with commas between: ours, chain ids, or the source's names in any case"
UUIDS = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
POOL_CURSOR = cursor_pattern(UUIDS)
PROTOCOL_CURSOR = cursor_pattern(r"[^\x00]{1,100}")
ROW_CURSOR = cursor_pattern("[0-9]{1,18}")


def read_chains(text: str | None) -> list[str]:
    """The chains of a parameter, in lower case; none where it is not given. Raises Problem for what nobody knows."""
    if text is None:
        return []
    names = {name.strip().lower() for name in text.split(",")}
    if "" in names:
        raise wrong_parameter("chain", f"chain has an empty name in it: {CHAINS}, or leave it out for all chains.")
    unknown = find_unknown(names)
    if unknown:
        named = ", ".join(map(shorten, unknown[:MOST_FAULTS]))
        raise wrong_parameter("chain", f"Unknown chain {named}. /api/v1/market/chains lists those there are.")
    return sorted(names)


def read_uuid(text: str) -> UUID:
    """A pool's id of a path."""
    try:
        # It takes ids without hyphens, in braces and more, too.
        if len(text) == len("00000000-0000-0000-0000-000000000000"):
            return UUID(text)
    except ValueError:
        pass
    raise wrong(f"{shorten(text)} in the path is no id of a pool: a UUID, as /api/v1/market/pools gives it.")


def read_after(text: str | None) -> Key | None:
    return None if text is None else read_cursor(text)


def following(path: str, query: QueryDict, last: Key | None) -> str | None:
    """The link to the page behind this one."""
    return None if last is None else next_page(path, query, write_cursor(last))
