"""Which of the blocks we know is still canonical after a reorg."""

from collections.abc import Mapping

from indexer.rpc import MOST_NULL_ROUNDS, BlockUnknown, EndpointPool, Header, next_header


def find_ancestor(pool: EndpointPool, known: Mapping[int, bytes], head: int) -> Header | None:
    """The newest known block that most endpoints have at its number; None when they have none of them.

    Raises BlockUnknown where they do not say what is at a number up to their head, unless that is a null round: the
    next block above it follows the one found.
    """
    numbers = sorted((number for number in known if number <= head), reverse=True)
    missing: list[int] = []
    for start in range(0, len(numbers), 50):
        asked = numbers[start : start + 50]
        for number, header in zip(asked, pool.canonicals(asked), strict=True):
            if header is None:
                missing.append(number)
            elif header.hash != known[number]:
                # Whatever stood above it was replaced, too.
                missing.clear()
            elif not missing or are_null_rounds(pool, missing, header):
                return header
            else:
                raise BlockUnknown(f"most endpoints do not give block {missing[0]:,} now")
    if missing:
        # Null rounds down to the lowest block we know: the one below tells.
        below = find_below(pool, missing[-1] - 1) if pool.trust.gaps and missing[-1] else None
        if below is None or not are_null_rounds(pool, missing, below):
            raise BlockUnknown(f"most endpoints do not give block {missing[0]:,} now")
    return None


def find_below(pool: EndpointPool, number: int) -> Header | None:
    """What most endpoints give at this number or, where there may be no block (a null round), at the next one below."""
    tries = range(number, max(-1, number - MOST_NULL_ROUNDS), -1) if pool.trust.gaps else [number]
    return next((header for each in tries if (header := pool.canonical(each)) is not None), None)


def are_null_rounds(pool: EndpointPool, numbers: list[int], below: Header) -> bool:
    """Whether the blocks above the one below these numbers, the highest first, follow each other and none has them."""
    while below.number < numbers[0]:
        above = next_header(pool, below.number + 1)
        if above.parent_hash != below.hash or above.number in numbers:
            return False
        below = above
    return True
