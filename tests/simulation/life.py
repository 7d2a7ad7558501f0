"""What may happen to a chain and its index, in an order that follows from a seed."""

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple

from tests.simulation.events import WATCHES, Population

STEPS = 130
DEEPER = range(7, 14)
"""Depths of reorgs beyond the finality depth of every chain here, which is 6."""


class Happening(NamedTuple):
    """`name` is that of a field of Happenings' list below; `arguments` are small numbers, and names of watches.

    latest, historic   one step of a loop; historic: (which of the two)
    meanwhile          (requests, happenings): they happen while a loop waits for the answer to that request from now
    twin               one step of a second latest loop, whose memory is old
    lapse              (which of the two historic loops): its lease ends while it works, as when it had stopped
    grow               (blocks)
    reorganise         (depth, blocks of the new branch: fewer than were taken back at times)
    go_back            return to the branch that was left last: A, B, A
    flip               (which job, from which block, at which request, depth): that much is read again, and meanwhile
                       the chain reorganises below final; it is back before anybody has noticed
    overtake           (which job, at which request, depth): a latest loop reads for this job, and meanwhile a reorg
                       comes, the twin does all that is to be done, and the job is to be taken up once more
    import_list        ((contract's place, name of a watch), …)
    disable, enable    (which job, counted from the first, modulo how many there are)
    rescan             (which job, from which block)
    change             (contract's place, name of the watch it had, name of the one it has from now on)
    turn               (era): the endpoints take up other faults
    cut                (which loop: latest, twin, the historic ones): PostgreSQL ends its connection
    kill               (which loop, at which of its next statements): the process dies there, another takes its place
    restart            everything is made anew, as after a reboot
    """

    name: str
    arguments: tuple[object, ...] = ()


def live(random: Random, eras: int) -> Iterator[Happening]:
    """The happenings of one life; jobs come first, and the eras follow each other in equal parts."""
    yield Happening("import_list", (_pairs(random, 4),))
    makers = list(MAKERS)
    weights = [MAKERS[maker] for maker in makers]
    for step in range(STEPS):
        if step and step % (STEPS // eras) == 0 and step // (STEPS // eras) < eras:
            yield Happening("turn", (step // (STEPS // eras),))
        yield random.choices(makers, weights)[0](random)


def _pairs(random: Random, most: int) -> tuple[tuple[int, str], ...]:
    count = random.randrange(1, most + 1)
    return tuple((random.randrange(Population.CONTRACTS), random.choice(list(WATCHES))) for _ in range(count))


def _reorganise(random: Random) -> Happening:
    depth = random.choice(DEEPER) if random.random() < 0.35 else random.randrange(1, 6)
    return Happening("reorganise", (depth, max(1, depth + random.randrange(-2, 3))))


def _change(random: Random) -> Happening:
    old, new = random.sample(list(WATCHES), 2)
    return Happening("change", (random.randrange(Population.CONTRACTS), old, new))


def _flip(random: Random) -> Happening:
    return Happening(
        "flip", (random.randrange(20), random.randrange(150), random.randrange(1, 6), random.choice(DEEPER))
    )


def crowd(life: Iterable[Happening]) -> Iterator[Happening]:
    """The same life, in which the latest loop is overtaken wherever a user enables jobs or has them read again."""
    for place, happening in enumerate(life):
        yield happening
        if happening.name in ("enable", "rescan"):
            yield Happening("overtake", (place, 1 + place % 7, 1 + place % 4))


def _meanwhile(random: Random) -> Happening:
    makers = list(BETWEEN)
    inner = random.choices(makers, [BETWEEN[maker] for maker in makers], k=random.randrange(1, 4))
    return Happening("meanwhile", (random.randrange(5), tuple(maker(random) for maker in inner)))


OUTSIDE: dict[Callable[[Random], Happening], int] = {
    lambda random: Happening("grow", (random.randrange(1, 4),)): 16,
    _reorganise: 7,
    lambda random: Happening("go_back"): 4,
    lambda random: Happening("import_list", (_pairs(random, 3),)): 5,
    lambda random: Happening("disable", (random.randrange(20),)): 3,
    lambda random: Happening("enable", (random.randrange(20),)): 3,
    lambda random: Happening("rescan", (random.randrange(20), random.randrange(150))): 2,
    _change: 2,
    lambda random: Happening("lapse", (random.randrange(2),)): 2,
}
"""What happens whatever the loops are doing: on the chain, by users, by time."""
BETWEEN = OUTSIDE | {
    lambda random: Happening("twin"): 14,
    lambda random: Happening("historic", (random.randrange(2),)): 4,
}
MAKERS: dict[Callable[[Random], Happening], int] = {
    **OUTSIDE,
    _meanwhile: 16,
    _flip: 2,
    lambda random: Happening("latest"): 70,
    lambda random: Happening("twin"): 6,
    lambda random: Happening("historic", (random.randrange(2),)): 25,
    lambda random: Happening("cut", (random.randrange(4),)): 2,
    lambda random: Happening("kill", (random.randrange(4), random.randrange(25))): 4,
    lambda random: Happening("restart"): 1,
}
