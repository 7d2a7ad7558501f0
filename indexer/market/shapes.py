"""The rows of DeFiLlama's answers, as far as they are kept: the fields, their types and their bounds. Pure.

Numbers are finite; TVL and volumes are US dollars, APY and changes per cent. What a field may lack it has None for:
null is not zero. Texts are no longer than their columns, so that one row cannot stop the writing of the others.

Source: DefiLlama/api-docs 3a45e4e (July 2026), yield-server e638965 (August 2026).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Meta

Finite = Annotated[float, Meta(ge=-1e300, le=1e300)]
Apy = Annotated[float, Meta(ge=-100, le=1e6)]
"""The source cuts at 1,000,000 %; it turns losses to 0 but for options, and nobody can lose more than all."""
PoolTvl = Annotated[float, Meta(ge=0, le=2e11)]
"""The source's own guard was at 20 billion once, but its documentation shows Lido's pool with 32: ten times as much."""
Text20 = Annotated[str, Meta(max_length=20)]
Text100 = Annotated[str, Meta(max_length=100)]
Text200 = Annotated[str, Meta(max_length=200)]
Text300 = Annotated[str, Meta(max_length=300)]
Id100 = Annotated[str, Meta(min_length=1, max_length=100)]
Id200 = Annotated[str, Meta(min_length=1, max_length=200)]
ChainId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
UnixTime = Annotated[float, Meta(ge=0, le=4_102_444_800)]
"""Up to the year 2100: later ones are milliseconds."""
DAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
"""What a day of a history lies between: the calendar itself ends at the year 9999."""


class Row(Protocol):
    """What every row has: `key`, by which it is known, as text."""

    @property
    def key(self) -> str: ...


class ChainRow(
    msgspec.Struct, kw_only=True, rename={"token_symbol": "tokenSymbol", "cmc_id": "cmcId", "chain_id": "chainId"}
):
    """Of /v2/chains. Its name is what the other answers call the chain; chain_id is None where it is no EVM."""

    name: Id100
    chain_id: ChainId | None = None
    gecko_id: Text200 | None = None
    cmc_id: Text100 | None = None
    token_symbol: Text100 | None = None
    tvl: Finite | None = None

    @property
    def key(self) -> str:
        return self.name


class ProtocolRow(
    msgspec.Struct,
    kw_only=True,
    rename={"cmc_id": "cmcId", "parent": "parentProtocol", "listed_at": "listedAt", "chain_tvls": "chainTvls"},
):
    """Of /protocols. The id stays, the slug does not; listed_at in seconds since 1970."""

    id: Id100
    slug: Id200
    name: Text300
    symbol: Text100 | None = None
    category: Text100 | None = None
    address: str | None = None
    url: str | None = None
    logo: str | None = None
    description: str | None = None
    twitter: Text200 | None = None
    gecko_id: Text200 | None = None
    cmc_id: Text100 | None = None
    parent: Text200 | None = None
    chains: list[str] | None = None
    listed_at: UnixTime | None = None
    tvl: Finite | None = None
    mcap: Finite | None = None
    change_1h: Finite | None = None
    change_1d: Finite | None = None
    change_7d: Finite | None = None
    chain_tvls: dict[str, Finite | None] | None = None

    @property
    def key(self) -> str:
        return self.id


class PoolRow(
    msgspec.Struct,
    kw_only=True,
    rename={
        "id": "pool",
        "pool_meta": "poolMeta",
        "underlying_tokens": "underlyingTokens",
        "reward_tokens": "rewardTokens",
        "il_risk": "ilRisk",
        "tvl": "tvlUsd",
        "apy_base": "apyBase",
        "apy_reward": "apyReward",
        "apy_mean_30d": "apyMean30d",
        "il_7d": "il7d",
        "volume_1d": "volumeUsd1d",
        "volume_7d": "volumeUsd7d",
    },
):
    """Of /pools. `chain` is a display name, `project` a slug, perhaps one that its protocol no longer has."""

    id: UUID
    chain: Id100
    project: Id200
    symbol: str
    pool_meta: str | None = None
    underlying_tokens: list[str | None] | None = None
    reward_tokens: list[str | None] | None = None
    stablecoin: bool | None = None
    il_risk: Text20 | None = None
    exposure: Text20 | None = None
    tvl: PoolTvl | None = None
    apy: Apy | None = None
    apy_base: Apy | None = None
    apy_reward: Apy | None = None
    apy_mean_30d: Apy | None = None
    il_7d: Finite | None = None
    volume_1d: Finite | None = None
    volume_7d: Finite | None = None
    outlier: bool | None = None

    @property
    def key(self) -> str:
        return str(self.id)


class OldPoolRow(PoolRow, kw_only=True, rename={"token_address": "poolTokenAddress"}):
    """Of /yields/poolsOld, which needs a paid key: what the adapter itself calls the pool, such as 0x…-ethereum."""

    pool_old: str | None = None
    token_address: str | None = None
    url: str | None = None


class ChartRow(
    msgspec.Struct,
    kw_only=True,
    rename={"tvl": "tvlUsd", "apy_base": "apyBase", "apy_reward": "apyReward", "il_7d": "il7d"},
):
    """Of /chart/{pool}: a day (UTC), which is known by its last measurement, at `timestamp`."""

    timestamp: Annotated[datetime, Meta(tz=True)]
    tvl: PoolTvl | None = None
    apy: Apy | None = None
    apy_base: Apy | None = None
    apy_reward: Apy | None = None
    il_7d: Finite | None = None

    def __post_init__(self) -> None:
        # No Meta takes bounds of a time. The words are as msgspec has them of numbers.
        first, last = DAYS
        if not first <= self.timestamp <= last:
            sign, bound = (">=", first) if self.timestamp < first else ("<=", last)
            raise ValueError(f"Expected `datetime` {sign} {bound:%Y-%m-%d} - at `$.timestamp`")

    @property
    def day(self) -> date:
        return self.timestamp.astimezone(UTC).date()

    @property
    def key(self) -> str:
        return self.day.isoformat()


@dataclass(frozen=True)
class Shape:
    """How an answer is built: `row` is the type of its rows, which are the answer itself or stand in its `data`.

    `key`: the field a row is known by, as the answer writes it. `known`: fields with a value in some row of any answer
    of some size; where it is in none, the source has changed. `may_be_empty`: an answer without rows is an answer.
    `spell`: a key as the answer writes it to `Row.key`; one that is none stays as it is.
    """

    row: Any
    key: str
    known: tuple[str, ...]
    in_data: bool = False
    may_be_empty: bool = False
    spell: Callable[[str], str] = str


def spell_uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return text


def known_fields(row: type[msgspec.Struct], *rare: str) -> tuple[str, ...]:
    """The fields of a row as the answer writes them, without `rare` ones."""
    return tuple(field.encode_name for field in msgspec.structs.fields(row) if field.encode_name not in rare)


CHAINS = Shape(ChainRow, "name", known_fields(ChainRow))
PROTOCOLS = Shape(ProtocolRow, "id", known_fields(ProtocolRow))
POOLS = Shape(PoolRow, "pool", known_fields(PoolRow), in_data=True, spell=spell_uuid)
OLD_POOLS = Shape(OldPoolRow, "pool", known_fields(OldPoolRow), in_data=True, spell=spell_uuid)
CHART = Shape(ChartRow, "timestamp", ("timestamp", "tvlUsd", "apy"), in_data=True, may_be_empty=True)
