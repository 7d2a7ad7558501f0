"""All of a simulation follows from its seed: plans, faults, and what they do to which question."""

from collections import Counter
from random import Random

from tests.simulation.chain import Chain
from tests.simulation.clients import client
from tests.simulation.conftest import Serve
from tests.simulation.events import WATCHES, Population
from tests.simulation.faults import Fault, Harm
from tests.simulation.kinds import BY_NAME, KINDS
from tests.simulation.life import STEPS
from tests.simulation.plan import ERAS, RATES, Member, Plan, Promise
from tests.simulation.profiles import CHAIN_KINDS, ChainKind

PLANS = [Plan.of(seed) for seed in range(100)]


def test_a_plan_follows_from_its_seed() -> None:
    assert str(Plan.of(7)) == str(Plan.of(7)) != str(Plan.of(8))
    assert Plan.of(7) == Plan.of(7)
    assert Plan.of(7).life != Plan.of(7 + len(CHAIN_KINDS)).life


def test_a_hundred_seeds_hold_every_chain_and_every_fault_at_every_rate_and_on_any_number_of_endpoints() -> None:
    assert {plan.chain.name for plan in PLANS} == {chain.name for chain in CHAIN_KINDS}
    placed = {
        (kind.name, rate, sum(Fault(kind, rate) in member.faults for member in plan.members))
        for plan in PLANS
        for kind in KINDS
        for rate in RATES
    }
    assert {(name, rate) for name, rate, endpoints in placed if endpoints} == {
        (kind.name, rate) for kind in KINDS for rate in RATES
    }
    assert all(sum(count == endpoints for _, _, count in placed) > len(KINDS) for endpoints in (1, 2, 3))


def test_thirty_seeds_hold_every_fault() -> None:
    assert {fault.kind for plan in PLANS[:30] for each in plan.members for fault in each.faults} == set(KINDS)


def test_a_life_holds_all_that_may_happen() -> None:
    names = Counter(happening.name for plan in PLANS for happening in plan.life)
    assert set(names) == {
        *("latest", "historic", "grow", "reorganise", "go_back", "import_list", "disable", "enable", "rescan"),
        *("change", "turn", "twin", "meanwhile", "flip", "lapse", "cut", "kill", "restart"),
    }
    for plan in PLANS:
        assert plan.life[0].name == "import_list"
        assert [happening.arguments for happening in plan.life if happening.name == "turn"] == [(1,), (2,)]
        assert len(plan.life) == STEPS + ERAS
        for happening in plan.life:
            if happening.name == "import_list":
                (pairs,) = happening.arguments
                assert isinstance(pairs, tuple)
                assert all(place < Population.CONTRACTS and name in WATCHES for place, name in pairs)
    depths = [happening.arguments[0] for plan in PLANS for happening in plan.life if happening.name == "reorganise"]
    assert {1, 5, 7, 13} <= set(depths)  # within the finality depth of 6 and beyond it


def planned(chain: str, *members: tuple[str, ...], lags: tuple[int, ...] = (0, 0, 0)) -> Plan:
    kind = next(each for each in CHAIN_KINDS if each.name == chain)
    made = [
        Member(f"endpoint-{place}", (tuple(Fault(BY_NAME[name], 1.0) for name in names),), lag, True)
        for place, (names, lag) in enumerate(zip(members, lags, strict=False))
    ]
    return Plan(0, kind, tuple(made), 40, ())


def test_what_must_hold_depends_on_who_lies_and_on_what_can_be_proved() -> None:
    lies, honest = ("log-dropped",), ()
    for chain, members, above, below in (
        ("ethereum", (lies, lies, lies), Promise.TRUE, Promise.AFTER_AUDIT),  # the receipts root finds every lie
        ("ethereum", (lies, ("no-receipts",), honest), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),  # not without them
        ("ethereum", (("throttled",), ("page",), ("garbage-index",)), Promise.TRUE, Promise.TRUE),  # nobody lies
        ("polygon", (lies, honest, honest), Promise.TRUE, Promise.AFTER_AUDIT),  # two honest ones outvote it
        ("polygon", (lies, lies, honest), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),  # two may tell the same lie
        ("polygon", (lies, ("page",), honest), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),  # nobody else may answer
        ("by its bloom", (lies, honest, honest), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),  # one of two of a pair
        ("one endpoint, nothing to prove", (lies,), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),
        ("one endpoint, all proved", (lies,), Promise.TRUE, Promise.AFTER_AUDIT),
        ("ethereum", (("bloom-zeroed",), honest, honest), Promise.TRUE, Promise.AFTER_AUDIT),  # its hash tells
        ("headers of its own", (("bloom-zeroed",), ("page",), honest), Promise.AFTER_AUDIT, Promise.AFTER_AUDIT),
        ("ethereum", (("left-behind",), honest, honest), Promise.TRUE, Promise.AFTER_AUDIT),  # a minority's branch
        ("ethereum", (("left-behind",), ("left-behind",), honest), Promise.AT_REST, Promise.AFTER_AUDIT),
    ):
        plan = planned(chain, *members)
        assert (plan.above_final, plan.below_final) == (above, below), str(plan)


def test_a_witness_that_lags_is_none() -> None:
    assert planned("polygon", ("log-dropped",), (), (), lags=(0, 0, 1)).above_final is Promise.AFTER_AUDIT


def test_not_all_endpoints_are_out_of_order_for_a_whole_life() -> None:
    for plan in PLANS:
        for kind in (fault.kind for member in plan.members for fault in member.faults):
            if kind.harm not in (Harm.SHAPE, Harm.TRANSPORT):
                continue
            dark = [era for era in range(ERAS) if all(Fault(kind, 1.0) in member.eras[era] for member in plan.members)]
            assert len(dark) < ERAS, str(plan)


def test_faults_fall_the_same_in_any_order_of_questions(serve: Serve) -> None:
    ranges = [(first, last) for first in range(0, 40, 4) for last in (first, first + 3)]

    def answers(order: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
        node = client(serve("log-dropped", "log-dropped-for-good", rate=0.3, seed=5))
        return {each: len(node.range_logs(*each, None, [])) for each in order}

    assert answers(ranges) == answers(ranges[::-1])
    true = {each: len(client(serve()).range_logs(*each, None, [])) for each in ranges}
    assert answers(ranges) != true


def test_another_seed_or_another_endpoint_has_other_luck(serve: Serve) -> None:
    def answers(**options: int) -> list[int]:
        node = client(serve("log-dropped", rate=0.5, **options))
        return [len(node.range_logs(0, 40, None, [])) for _ in range(16)]

    assert len({tuple(answers(seed=seed)) for seed in range(4)}) == 4


def test_a_fault_of_one_in_a_hundred_strikes_that_often(serve: Serve) -> None:
    served = serve("head-ahead", rate=0.01)
    node = client(served)
    for _ in range(600):
        node.head()
    assert 1 <= served.done["head-ahead"] <= 20


def test_every_kind_of_chain_grows_and_reorganises() -> None:
    def life(kind: ChainKind) -> Chain:
        chain = Chain(Random(4), kind.oddities, kind.finality)
        chain.grow(30)
        for depth in (1, 5, 6, 7, 13):
            chain.reorganise(depth, depth + 1)
        chain.return_to(chain.left[-1])
        return chain

    for kind in CHAIN_KINDS:
        chain = life(kind)
        assert chain.tip.hash == life(kind).tip.hash
        assert set(kind.profile().quirks) == set(kind.oddities.quirks)
