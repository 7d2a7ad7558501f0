"""Comparing the answers with the chain's own truth. Pure: both are given."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from indexer.embedded.chain.truth import Positions

# One chain's part of the answer for each address asked about, as the API gives it.
Answers = Mapping[str, dict[str, Any]]


class Difference(NamedTuple):
    """Something that the answer for an address says otherwise than the chain does."""

    address: str
    contract: str
    what: str

    def __str__(self) -> str:
        return f"{self.address} at {self.contract}: {self.what}"


def compare(truth: Positions, answers: Answers) -> list[Difference]:
    """Every difference, both ways. Addresses that the truth does not name must have no pools."""
    differences = []
    for address in sorted(truth.keys() | answers.keys()):
        if address not in answers:
            differences.append(Difference(address, "every contract", "was not asked for"))
            continue
        answered = {pool["contract"]: pool for pool in answers[address]["pools"]}
        expected = truth.get(address, {})
        if len(answered) != len(answers[address]["pools"]):
            differences.append(Difference(address, "some contract", "is answered twice"))
        for contract in sorted(expected.keys() | answered.keys()):
            what = compare_pool(expected.get(contract), answered.get(contract))
            differences += [Difference(address, contract, text) for text in what]
    return differences


def compare_pool(expected: dict[str, Any] | None, answered: dict[str, Any] | None) -> list[str]:
    if expected is None:
        return ["the answer has a pool that the chain has not"]
    if answered is None:
        return [f"the pool is missing from the answer; the chain has it since block {expected['first_block']}"]
    what = []
    if expected["first_block"] != answered["first_block"]:
        what.append(f"first_block is {answered['first_block']}, on the chain {expected['first_block']}")
    for key in sorted(expected["metadata"].keys() | answered["metadata"].keys()):
        # The answer sorts numbers by size, the truth sorts everything as text.
        there, here = sorted(expected["metadata"].get(key, [])), sorted(answered["metadata"].get(key, []))
        if there != here:
            what.append(f"metadata {key} is {show(here)}, on the chain {show(there)}")
    return what


def show(values: list[str]) -> str:
    return ", ".join(values) or "nothing"


def compare_balances(balances: Iterable[tuple[str, str, int, int]], answers: Answers) -> list[Difference]:
    """A balance or debt, (wallet, contract, block, amount), that is not zero means that the pool is in the answer."""
    pools = {address: {pool["contract"] for pool in answer["pools"]} for address, answer in answers.items()}
    return [
        Difference(wallet, contract, f"balance {amount} at block {block}, and the answer has no such pool")
        for wallet, contract, block, amount in balances
        if contract not in pools.get(wallet, set())
    ]


def count_values(truth: Positions) -> int:
    """How many metadata values the truth holds."""
    return sum(
        len(values)
        for pools in truth.values()
        for position in pools.values()
        for values in position["metadata"].values()
    )
