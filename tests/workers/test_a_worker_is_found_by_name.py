"""Which worker is meant by a name, where several machines run the same program."""

import pytest

from indexer.workers.meant import Known, NotMeant, find_meant

ON_A = Known("worker-ethereum", "worker-ethereum", "a")
ON_B = Known("worker-ethereum@b", "worker-ethereum", "b")
PRICES = Known("prices", "prices", "a")
OVERSEER = Known("overseer@b", "overseer", "b")
KNOWN = (ON_A, ON_B, PRICES, OVERSEER)


@pytest.mark.parametrize(
    ("wanted", "meant"),
    [
        ("prices", PRICES),
        ("worker-ethereum@b", ON_B),
        # What its machine is is known, though its row's name does not say so.
        ("worker-ethereum@a", ON_A),
        ("prices@a", PRICES),
        # The only one of its program.
        ("overseer", OVERSEER),
    ],
)
def test_a_name_that_one_has(wanted: str, meant: Known) -> None:
    assert find_meant(wanted, KNOWN) == meant


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("worker-ethereum", "worker-ethereum is on 2 machines: say worker-ethereum@a or worker-ethereum@b"),
        ("price", "there is no worker 'price'; did you mean prices?"),
        ("prices@c", "there is no worker 'prices@c'; did you mean prices?"),
        ("zzz", "there is no worker 'zzz'; there are overseer@b, prices, worker-ethereum, worker-ethereum@b"),
    ],
)
def test_a_name_that_nobody_or_several_have(wanted: str, words: str) -> None:
    with pytest.raises(NotMeant) as refused:
        find_meant(wanted, KNOWN)
    assert str(refused.value) == words


def test_where_there_is_nobody() -> None:
    with pytest.raises(NotMeant, match="there are none"):
        find_meant("prices", ())
