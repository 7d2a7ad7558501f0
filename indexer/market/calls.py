"""Questions to contracts and what their answers are read as. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.crypto import keccak


class Call(NamedTuple):
    """A question to a contract: its name for people, whom, and the data; addresses and data as 0x hex."""

    name: str
    to: str
    data: str


Answers = Mapping[str, bytes | None]
"""By a call's name; None where it was refused."""


def selector(signature: str) -> str:
    return "0x" + keccak(text=signature)[:4].hex()


def call(to: str, signature: str, types: Sequence[str] = (), values: Sequence[Any] = ()) -> Call:
    """`signature` as in getPair(address,address)."""
    shown = f"{signature.partition('(')[0]}({','.join(map(str, values))})"
    return Call(shown, to, selector(signature) + encode(types, values).hex())


def read_word(answers: Answers, name: str) -> bytes | None:
    raw = answers.get(name)
    return raw if raw is not None and len(raw) == 32 else None


def read_number(answers: Answers, name: str) -> int | None:
    word = read_word(answers, name)
    return None if word is None else int.from_bytes(word)


def read_address(answers: Answers, name: str) -> str | None:
    """In lower case; None for none, and for the zero address."""
    word = read_word(answers, name)
    return "0x" + word[12:].hex() if word and not any(word[:12]) and any(word) else None


def show(raw: bytes) -> str:
    """An address as one, all else as hex; the beginning of what is long."""
    if len(raw) == 32 and not any(raw[:12]) and any(raw[12:20]):
        return "0x" + raw[12:].hex()
    return "0x" + raw[:256].hex()
