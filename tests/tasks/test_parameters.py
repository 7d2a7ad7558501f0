"""Parameters: which types a task may declare, what is read as each, and what no database could keep."""

from datetime import date
from enum import Enum
from typing import Any, Literal

import pytest

from indexer.tasks.declaring import Counts, Run, TaskError, task
from indexer.tasks.params import keep_params


class Size(Enum):
    SMALL = "small"


def list_keys(first: date | None, last: date | None) -> list[str]:
    return []


@task(partitions=list_keys)
def sample(
    run: Run,
    key: str,
    *,
    share: float = 1.0,
    count: int | None = None,
    deep: bool = False,
    name: str = "",
    kind: Literal["", "a"] = "",
    size: Size = Size.SMALL,
    names: list[str] | None = None,
    weights: dict[str, float] | None = None,
    either: list[int] | str = "",
    anything: Any = None,
) -> Counts:
    """Takes what there is."""
    return Counts()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (
            {"share": "0.5", "count": "3", "deep": "true", "name": "3"},
            {"share": 0.5, "count": 3, "deep": True, "name": "3"},
        ),
        ({"count": "null", "names": "null"}, {"count": None, "names": None}),
        ({"names": '["a", "b"]'}, {"names": ["a", "b"]}),  # as a command line has it
        ({"names": ["a", "b"]}, {"names": ["a", "b"]}),
        ({"weights": '{"a": 1}'}, {"weights": {"a": 1.0}}),
        ({"either": "[1]", "name": "[1]"}, {"either": "[1]", "name": "[1]"}),  # what takes a text is given it as it is
        ({"either": [1]}, {"either": [1]}),
        ({"size": "small"}, {"size": "small"}),
        ({"first": "2026-01-31"}, {"first": "2026-01-31"}),
        ({"name": "🐑", "anything": {"a": [1, None, 2**70]}}, {"name": "🐑", "anything": {"a": [1, None, 2**70]}}),
    ],
)
def test_what_is_read(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert keep_params(sample, given) == kept


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"count": "many"}, "count='many': Expected `int | null`, got `str`; what is no text is written as JSON"),
        ({"names": "a,b"}, "names='a,b': Expected `array | null`, got `str`; what is no text is written as JSON"),
        ({"names": "[1]"}, r"Expected `str`, got `int` - at `\$\[0\]`"),
        ({"anything": None, "names": "[" * 5000}, "names='\\[+': "),
        ({"count": "1.5"}, "Expected `int | null`, got `float`"),
        ({"kind": "b"}, "kind='b': Invalid enum value 'b'$"),
        ({"share": "nan"}, "share=nan cannot be kept: a number is finite"),
        ({"share": float("-inf")}, "share=-inf cannot be kept"),
        ({"weights": {"a": "inf"}}, "cannot be kept"),
        ({"anything": {"a": [float("nan")]}}, "cannot be kept"),
        ({"name": "a\0b"}, r"name='a\\x00b' cannot be kept"),
        ({"name": "\ud83d"}, r"name='\\ud83d' cannot be kept"),  # half an emoji, as json.loads makes it
        ({"name": "a\udcff"}, "cannot be kept"),  # a byte of a command line that is no UTF-8
        ({"names": ["a", "\0"]}, "cannot be kept"),
        ({"names": '["\\u0000"]'}, "cannot be kept"),
        ({"weights": {"\ud83d": 1}}, "cannot be kept"),
        ({"anything": [{"a": {"\0": 1}}]}, "cannot be kept"),
        ({"count": "\ud83d"}, r"count='\\ud83d': "),
        ({"kind": "\ud83d"}, r"kind='\\ud83d': "),
        ({"names": "\ud83d"}, r"names='\\ud83d': "),
        ({"first": "\ud83d"}, r"first='\\ud83d' is no day"),
        ({"\ud83d": 1}, r"has no parameter '\\ud83d'"),
    ],
)
def test_what_is_refused_with_words_that_can_be_kept(given: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as refused:
        keep_params(sample, given)
    assert str(refused.value).encode()


def test_a_check_of_the_task_is_asked_only_about_what_can_be_kept() -> None:
    asked = []

    @task(check=lambda meadow="": asked.append(meadow))
    def graze(run: Run, *, meadow: str = "") -> None: ...

    keep_params(graze, {"meadow": "north"})
    with pytest.raises(TaskError, match="cannot be kept"):
        keep_params(graze, {"meadow": "a\0b"})
    assert asked == ["north"]


class Sheep: ...


def test_a_type_that_nothing_could_be_read_as_is_refused_where_it_is_declared() -> None:
    def two_texts(run: Run, *, when: str | date = "") -> Counts:
        return Counts()

    def of_its_own(run: Run, *, herd: list[Sheep] | None = None) -> Counts:
        return Counts()

    with pytest.raises(TaskError, match="two_texts: its parameter when cannot be read from JSON: Type unions may not"):
        task()(two_texts)
    with pytest.raises(TaskError, match=r"its parameter herd cannot be read from JSON: type <.*Sheep'> is not support"):
        task()(of_its_own)
