"""What the contracts of a generated chain log: each log is made from what it means, so nobody need decode it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from eth_hash.auto import keccak

NOBODY = bytes(20)
CREDENTIALS = "eth2-withdrawal-credentials"


def topic_of(signature: str) -> bytes:
    return keccak(signature.encode())


TRANSFER = topic_of("Transfer(address,address,uint256)")
DEPOSITED = topic_of("Deposited(address,uint256,address)")
MINTED = topic_of("Minted(address,uint256)")
STAKED = topic_of("Staked(bytes,bytes)")
APPROVAL = topic_of("Approval(address,address,uint256)")


class Watch(NamedTuple):
    """A way to watch a contract: the event as a watch list writes it, and which part of the log's meaning it reads.

    `user` and `key` name entries of `Deed.users` and `Deed.metadata`; `key` is None where nothing is kept beside.
    """

    event: object
    topic0: bytes
    user: str
    key: str | None = None
    user_topic: int | None = None


WATCHES: Mapping[str, Watch] = {
    "received": Watch("Transfer", TRANSFER, "to", user_topic=2),
    "sent": Watch({"topic0": "0x" + TRANSFER.hex(), "user_topic": 1}, TRANSFER, "from", user_topic=1),
    "deposited": Watch({"topic0": "0x" + DEPOSITED.hex(), "user_topic": 2}, DEPOSITED, "owner", user_topic=2),
    "minted": Watch(
        {"abi": "event Minted(address owner, uint256 tokenId)", "user": "owner", "metadata": "tokenId"},
        MINTED,
        "owner",
        "tokenId",
    ),
    "staked": Watch(
        {
            "abi": "event Staked(bytes pubkey, bytes credentials)",
            "user": "credentials",
            "metadata": "pubkey",
            "transform": CREDENTIALS,
        },
        STAKED,
        "credentials",
        "pubkey",
    ),
}


@dataclass(frozen=True)
class Deed:
    """A log with its meaning: `users` by role (nobody is the zero address), `metadata` by argument as text.

    A role that is absent was not readable in this log; one that is None names no address, which is no error.
    """

    contract: bytes
    topics: tuple[bytes, ...]
    data: bytes
    users: Mapping[str, bytes | None] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


class Population:
    """The contracts and users of a chain, and what they may do next."""

    CONTRACTS = 6
    USERS = 10

    def __init__(self, random: Random) -> None:
        self.random = random
        self.contracts = [bytes([0xA0 + place]) * 20 for place in range(self.CONTRACTS)]
        self.strangers = [random.randbytes(20) for _ in range(4)]
        self.users = [random.randbytes(20) for _ in range(self.USERS)]

    def act(self) -> Deed:
        """One log of anybody: of the watched contracts mostly, of others now and then."""
        random = self.random
        contract = random.choice(self.contracts if random.random() < 0.8 else self.strangers)
        return random.choices(ACTS, ACT_WEIGHTS)[0](random, contract, self.user(), self.user())

    def user(self) -> bytes:
        """An old user mostly, a new one now and then, and nobody at times: tokens are minted and burned."""
        chance = self.random.random()
        if chance < 0.75:
            return self.random.choice(self.users)
        return self.random.randbytes(20) if chance < 0.95 else NOBODY


def word(value: bytes | int) -> bytes:
    """32 bytes of an address or a number."""
    return value.to_bytes(32) if isinstance(value, int) else value.rjust(32, b"\0")


def transfer(random: Random, contract: bytes, sender: bytes, receiver: bytes) -> Deed:
    amount = random.randbytes(32)
    if random.random() < 0.03:
        # As some tokens of old: nothing is indexed, and so no topic can be read.
        return Deed(contract, (TRANSFER,), word(sender) + word(receiver) + amount)
    users = {"from": sender, "to": receiver}
    if random.random() < 0.2:
        return Deed(contract, (TRANSFER, word(sender), word(receiver), amount), b"", users)
    return Deed(contract, (TRANSFER, word(sender), word(receiver)), amount, users)


def deposited(random: Random, contract: bytes, caller: bytes, owner: bytes) -> Deed:
    return Deed(contract, (DEPOSITED, word(caller), word(owner)), random.randbytes(32), {"owner": owner})


def minted(random: Random, contract: bytes, owner: bytes, other: bytes) -> Deed:
    token = random.randrange(1, 40)
    if random.random() < 0.04:
        return Deed(contract, (MINTED,), b"\x01" + word(owner)[1:] + word(token))
    return Deed(contract, (MINTED,), word(owner) + word(token), {"owner": owner}, {"tokenId": str(token)})


def staked(random: Random, contract: bytes, owner: bytes, other: bytes) -> Deed:
    pubkey = random.randbytes(48)
    chance = random.random()
    credentials = random.choice((b"\x01", b"\x02")) + bytes(11) + owner
    users: dict[str, bytes | None] = {"credentials": owner}
    if chance < 0.1:
        credentials, users = b"\x00" + random.randbytes(31), {"credentials": None}
    elif chance < 0.14:
        credentials, users = credentials[:31], {}
    metadata = {"pubkey": "0x" + pubkey.hex()}
    return Deed(contract, (STAKED,), _two_texts(pubkey, credentials), users, metadata)


def noise(random: Random, contract: bytes, caller: bytes, other: bytes) -> Deed:
    topics = random.choice(((), (APPROVAL, word(caller), word(other)), (random.randbytes(32),)))
    return Deed(contract, topics, random.randbytes(32 * random.randrange(3)))


def _two_texts(first: bytes, second: bytes) -> bytes:
    """The ABI's encoding of two arguments of type bytes."""
    padded = [word(len(text)) + text + bytes(-len(text) % 32) for text in (first, second)]
    return word(64) + word(64 + len(padded[0])) + b"".join(padded)


ACTS = (transfer, deposited, minted, staked, noise)
ACT_WEIGHTS = (10, 4, 3, 2, 4)
