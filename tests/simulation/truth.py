"""What the index must hold, by reading every block of the generated chain; it knows what each log was made to mean."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from tests.simulation.chain import Chain
from tests.simulation.events import NOBODY, WATCHES, Deed, Watch


class Told(NamedTuple):
    """A log's word for a job: the user it names and what is kept beside, or neither where it names nobody."""

    user: bytes | None
    key: str | None = None
    value: str | None = None


class Truth(NamedTuple):
    """One job's rows: the first block of every user, of every (user, key, value), what blocks touched, and how many
    logs of a block cannot be read."""

    logs: dict[bytes, int]
    metadata: dict[tuple[bytes, str, str], int]
    touches: set[tuple[int, bytes, str | None, str | None]]
    unreadable: dict[int, int]


def watch_named(topic0: bytes, user_topic: int | None) -> Watch:
    """The watch that a job of the database is."""
    found = [watch for watch in WATCHES.values() if (watch.topic0, watch.user_topic) == (topic0, user_topic)]
    assert len(found) == 1, f"no watch of the simulation has topic0 {topic0.hex()} and user topic {user_topic}"
    return found[0]


def told(watch: Watch, deed: Deed) -> Told | None:
    """What a log of a watched contract tells; None where it cannot be read."""
    if watch.user not in deed.users:
        return None
    user = deed.users[watch.user]
    if user is None or user == NOBODY:
        return Told(None)
    return Told(user, watch.key, deed.metadata[watch.key]) if watch.key else Told(user)


def truth_of(chain: Chain, contract: bytes, watch: Watch, first: int, last: int | None = None) -> Truth:
    """The rows of a job that has read the canonical blocks `first` to `last` (None: to the head)."""
    truth = Truth({}, {}, set(), {})
    unreadable: Counter[int] = Counter()
    with chain.lock:
        for block in chain.blocks(first):
            if last is not None and block.number > last:
                break
            for deed in block.watched.get((contract, watch.topic0), ()):
                said = told(watch, deed)
                if said is None:
                    unreadable[block.number] += 1
                elif said.user is not None:
                    truth.logs.setdefault(said.user, block.number)
                    truth.touches.add((block.number, said.user, said.key, said.value))
                    if said.key is not None and said.value is not None:
                        truth.metadata.setdefault((said.user, said.key, said.value), block.number)
    truth.unreadable.update(unreadable)
    return truth


def watch_list(chain_id: int, watched: Iterable[tuple[bytes, str, str]]) -> dict[str, object]:
    """A watch list of hilltop with these contracts, each under the name of a product and with the name of a watch."""
    return {
        "chain": "hilltop",
        "chain_id": chain_id,
        "watches": [
            {
                "protocol": "generated",
                "product": product,
                "event": WATCHES[name].event,
                "contracts": ["0x" + contract.hex()],
            }
            for contract, product, name in watched
        ],
    }
