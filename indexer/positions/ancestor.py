"""Which of the blocks we know is still canonical after a reorg."""

from collections.abc import Mapping

from indexer.rpc import BlockUnknown, EndpointPool, Header, next_header


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
        raise BlockUnknown(f"most endpoints do not give block {missing[0]:,} now")
    return None


def are_null_rounds(pool: EndpointPool, numbers: list[int], below: Header) -> bool:
    """Whether the block above these numbers, the highest first, follows the one below them."""
    above = next_header(pool, below.number + 1)
    return above.number > numbers[0] and above.parent_hash == below.hash
