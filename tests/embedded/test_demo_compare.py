"""The check's comparison finds every kind of difference, and nothing where there is none."""

from typing import Any

import pytest

from indexer.embedded.chain.truth import Positions
from indexer.embedded.demo.compare import compare, compare_balances, count_values

WALLET, STRANGER = "0xWallet", "0xStranger"
PAIR, VAULT = "0xPair", "0xVault"


def make_truth() -> Positions:
    return {
        WALLET: {
            PAIR: {"first_block": 7, "metadata": {}},
            VAULT: {"first_block": 9, "metadata": {"tokenId": ["10", "9"]}},
        }
    }


def make_answers() -> dict[str, dict[str, Any]]:
    return {
        WALLET: {
            "pools": [
                {"contract": PAIR, "first_block": 7, "metadata": {}},
                {"contract": VAULT, "first_block": 9, "metadata": {"tokenId": ["9", "10"]}},
            ]
        },
        STRANGER: {"pools": []},
    }


def test_the_same_in_another_order_is_equal() -> None:
    assert compare(make_truth(), make_answers()) == []


def a_pool_less(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"].pop(0)


def a_pool_more(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"].append({"contract": "0xOther", "first_block": 7, "metadata": {}})


def a_pool_twice(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"].append(answers[WALLET]["pools"][0])


def a_later_first_block(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"][0]["first_block"] = 8


def a_value_less(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"][1]["metadata"]["tokenId"].pop()


def a_value_more(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"][1]["metadata"]["tokenId"].append("11")


def a_value_twice(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"][1]["metadata"]["tokenId"].append("10")


def another_key(answers: dict[str, dict[str, Any]]) -> None:
    answers[WALLET]["pools"][0]["metadata"]["pubkey"] = ["0x01"]


def a_pool_of_a_stranger(answers: dict[str, dict[str, Any]]) -> None:
    answers[STRANGER]["pools"].append(answers[WALLET]["pools"][0])


def no_answer(answers: dict[str, dict[str, Any]]) -> None:
    del answers[WALLET]


@pytest.mark.parametrize(
    ("spoil", "address", "contract", "words"),
    [
        (a_pool_less, WALLET, PAIR, "the pool is missing from the answer; the chain has it since block 7"),
        (a_pool_more, WALLET, "0xOther", "the answer has a pool that the chain has not"),
        (a_pool_twice, WALLET, "some contract", "is answered twice"),
        (a_later_first_block, WALLET, PAIR, "first_block is 8, on the chain 7"),
        (a_value_less, WALLET, VAULT, "metadata tokenId is 9, on the chain 10, 9"),
        (a_value_more, WALLET, VAULT, "metadata tokenId is 10, 11, 9, on the chain 10, 9"),
        (a_value_twice, WALLET, VAULT, "metadata tokenId is 10, 10, 9, on the chain 10, 9"),
        (another_key, WALLET, PAIR, "metadata pubkey is 0x01, on the chain nothing"),
        (a_pool_of_a_stranger, STRANGER, PAIR, "the answer has a pool that the chain has not"),
        (no_answer, WALLET, "every contract", "was not asked for"),
    ],
)
def test_each_kind_of_difference_is_found(spoil: Any, address: str, contract: str, words: str) -> None:
    answers = make_answers()
    spoil(answers)
    assert compare(make_truth(), answers) == [(address, contract, words)]


def test_a_balance_must_be_among_the_pools_but_not_the_other_way_round() -> None:
    answers = make_answers()
    held = [(WALLET, VAULT, 20, 5)]
    assert compare_balances(held, answers) == []
    a_pool_less(answers)
    difference = compare_balances([(WALLET, PAIR, 20, 5), *held], answers)
    assert difference == [(WALLET, PAIR, "balance 5 at block 20, and the answer has no such pool")]


def test_a_balance_of_an_address_without_answer_is_a_difference() -> None:
    assert len(compare_balances([("0xNobody", PAIR, 20, 5)], make_answers())) == 1


def test_values_are_counted_over_all_addresses() -> None:
    assert count_values(make_truth()) == 2
