"""What a job watches and how its logs name a user: the part of a job that never changes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import msgspec

from indexer.positions.abi import TEXTS, AbiError, Argument, Event, parse_event
from indexer.positions.transforms import TRANSFORMS, Transform

TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
"""topic0 of Transfer(address,address,uint256), of ERC-20 and ERC-721 alike; topic 2 is who receives."""

_TRANSFORMED_KINDS = ("bytes", "uint")
_FORMS = '"Transfer", {"topic0", "user_topic"}, {"abi", "user"} with "metadata" and "transform" if wanted, or false'
_HASH = re.compile(r"0[xX][0-9a-fA-F]{64}")


class DefinitionError(ValueError):
    """An event of a watch list cannot be watched; the text says why."""


class Definition(msgspec.Struct, frozen=True, gc=False):
    """A watched contract and the event that gives a user a position with it.

    `contract` is 20 bytes, `topic0` 32. Either `user_topic` (1 to 3) says which topic holds the user, or `abi` (an
    event's canonical text), `user_argument` and, if wanted, `metadata_argument` and `transform` say how to read it.
    Two events that mean the same give equal definitions.
    """

    contract: bytes
    topic0: bytes
    user_topic: int | None
    abi: str | None
    user_argument: str | None
    metadata_argument: str | None
    transform: str | None

    @property
    def columns(self) -> tuple[bytes | int | str | None, ...]:
        """As the table `jobs` stores it, by protocol.jobs.COLUMNS."""
        event = (self.topic0, self.user_topic, self.abi, self.user_argument, self.metadata_argument, self.transform)
        return (self.contract, *event)

    @classmethod
    def from_event(cls, contract: bytes, event: object) -> Definition | None:
        """Read an event as a watch list writes it; None for `false`, which watches nothing. Raises DefinitionError."""
        if event is False:
            return None
        if event == "Transfer":
            return cls(contract, TRANSFER, 2, None, None, None, None)
        if not isinstance(event, dict):
            raise DefinitionError(f"unknown event; known forms: {_FORMS}")
        if "topic0" in event:
            _check_keys(event, required=("topic0", "user_topic"), optional=())
            return cls(contract, _topic0(event["topic0"]), _user_topic(event["user_topic"]), None, None, None, None)
        if "abi" in event:
            _check_keys(event, required=("abi", "user"), optional=("metadata", "transform"))
            return cls._from_abi(contract, event)
        raise DefinitionError(f"unknown event; known forms: {_FORMS}")

    @classmethod
    def _from_abi(cls, contract: bytes, event: dict[str, object]) -> Definition:
        abi, user, metadata, transform = (_text(event, key) for key in ("abi", "user", "metadata", "transform"))
        if abi is None or user is None:
            raise DefinitionError("abi and user must be text")
        form = read_form(abi, user, metadata, transform)
        return cls(contract, form.event.topic0, None, form.event.text, user, metadata, transform)


class Form(NamedTuple):
    """What the four texts of an ABI form stand for."""

    event: Event
    user: Argument
    metadata: Argument | None
    transform: Transform | None


@lru_cache(maxsize=1024)
def read_form(abi: str, user: str, metadata: str | None, transform: str | None) -> Form:
    """Parse an event's ABI and check what is wanted of it. Raises DefinitionError."""
    if transform is not None and transform not in TRANSFORMS:
        raise DefinitionError(f"unknown transform {transform!r:.80}; known: {', '.join(sorted(TRANSFORMS))}")
    try:
        event = parse_event(abi)
        user_argument = event.argument(user)
        metadata_argument = None if metadata is None else event.argument(metadata)
    except AbiError as error:
        raise DefinitionError(f"abi: {error}") from None
    _check_user(user_argument, transform)
    if metadata_argument is not None:
        _check_metadata(metadata_argument)
    return Form(event, user_argument, metadata_argument, None if transform is None else TRANSFORMS[transform])


def _check_keys(event: dict[str, object], *, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
    missing = [key for key in required if key not in event]
    unknown = [key for key in event if key not in required + optional]
    if missing:
        raise DefinitionError(f"event without {', '.join(missing)}")
    if unknown:
        raise DefinitionError(f"event with unknown key {unknown[0]!r:.80}; known: {', '.join(required + optional)}")


def _text(event: dict[str, object], key: str) -> str | None:
    value = event.get(key)
    if key in event and not isinstance(value, str):
        raise DefinitionError(f"event's {key} is not text")
    return value if isinstance(value, str) else None


def _topic0(value: object) -> bytes:
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise DefinitionError("topic0 is not 32 bytes: 0x and 64 hex digits are needed")
    return bytes.fromhex(value[2:])


def _user_topic(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 3:
        raise DefinitionError("user_topic is not 1, 2 or 3")
    return value


def _check_user(argument: Argument, transform: str | None) -> None:
    kind, type_ = argument.type.kind, argument.type
    if transform is None and kind != "address":
        raise DefinitionError(f"user {argument.name} is {type_.signature}; without a transform it must be an address")
    if transform is not None and kind not in _TRANSFORMED_KINDS:
        raise DefinitionError(f"user {argument.name} is {type_.signature}; a transform needs bytes, bytesN or uintN")
    if argument.indexed and type_.dynamic:
        raise DefinitionError(f"user {argument.name} is indexed {type_.signature}: the log holds only its hash")


def _check_metadata(argument: Argument) -> None:
    kind, type_ = argument.type.kind, argument.type
    if argument.indexed and (type_.dynamic or kind in ("array", "tuple")):
        raise DefinitionError(f"metadata {argument.name} is indexed {type_.signature}: the log holds only its hash")
    if kind not in TEXTS:
        raise DefinitionError(
            f"metadata {argument.name} is {type_.signature}, which has no text form; possible: {', '.join(TEXTS)}"
        )
