"""The profile of every chain we know: config/chains.toml, read and checked. No Django."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PROFILES = Path(__file__).resolve().parent.parent.parent / "config" / "chains.toml"

TAGS = ("finalized", "safe")


class ProfileError(Exception):
    """config/chains.toml says something that cannot be used."""


@dataclass(frozen=True, slots=True)
class Finality:
    """When a block is final: by the node's tag, or `depth` blocks below its head.

    With a tag, `depth` is about how far that usually is; headers are kept by it.
    """

    depth: int
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """`block_time` in seconds; `floor` the first block worth reading; `quirks` what its nodes do differently.

    `standard_roots`: from block `roots_from` on, header hash, receipts root and bloom are known to follow Ethereum's
    rules, but for what the quirks say. Otherwise that is learned from the chain's blocks.
    """

    slug: str
    chain_id: int
    name: str
    block_time: float
    finality: Finality
    floor: int = 0
    also: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    standard_roots: bool = False
    roots_from: int = 0


ASYNC_BLOCKS = 3
"""Blocks within which a chain that executes them later (Monad) has their logs."""

# For a chain nobody has described: deep enough for every chain with probabilistic finality that we know.
UNKNOWN_FINALITY = Finality(depth=128)


@cache
def read_profiles(path: Path = PROFILES) -> dict[str, Profile]:
    """All profiles by slug. Raises ProfileError naming the chain."""
    profiles = {slug: parse_profile(slug, body) for slug, body in tomllib.loads(path.read_text()).items()}
    ids = [profile.chain_id for profile in profiles.values()]
    twice = {number for number in ids if ids.count(number) > 1}
    if twice:
        raise ProfileError(f"{path.name}: chain id {twice.pop()} is given to two chains")
    return profiles


def parse_profile(slug: str, body: dict[str, Any]) -> Profile:
    known = {"id", "name", "also", "block_time", "finality", "depth", "floor", "quirks", "roots", "roots_from"}
    if unknown := set(body) - known:
        raise ProfileError(f"chains.toml: {slug} has unknown keys {', '.join(sorted(unknown))}")
    tag = body.get("finality", "depth")
    if tag not in (*TAGS, "depth"):
        raise ProfileError(f"chains.toml: {slug} has finality {tag!r}; it is one of depth, {', '.join(TAGS)}")
    if (roots := body.get("roots")) not in (None, "standard"):
        raise ProfileError(f"chains.toml: {slug} has roots {roots!r}; give standard, or nothing to learn what holds")
    if roots is None and "roots_from" in body:
        raise ProfileError(f"chains.toml: {slug} has roots_from without roots")
    try:
        return Profile(
            slug=slug,
            chain_id=int(body["id"]),
            name=str(body["name"]),
            block_time=float(body["block_time"]),
            finality=Finality(int(body["depth"]), None if tag == "depth" else tag),
            floor=int(body.get("floor", 0)),
            also=tuple(body.get("also", ())),
            quirks=tuple(body.get("quirks", ())),
            standard_roots=roots == "standard",
            roots_from=int(body.get("roots_from", 0)),
        )
    except KeyError as error:
        raise ProfileError(f"chains.toml: {slug} lacks {error}") from None
    except (TypeError, ValueError) as error:
        raise ProfileError(f"chains.toml: {slug}: {error}") from None


def profile_of(slug: str, chain_id: int | None = None) -> Profile | None:
    """The profile by slug, by another name of the chain, or by its id."""
    profiles = read_profiles()
    if slug in profiles:
        return profiles[slug]
    return next((p for p in profiles.values() if slug in p.also or p.chain_id == chain_id), None)


def finality_of(slug: str, chain_id: int) -> Finality:
    profile = profile_of(slug, chain_id)
    return profile.finality if profile else UNKNOWN_FINALITY


def behind_of(slug: str, chain_id: int) -> int:
    """How many blocks to stay below the head: where blocks are shown before their logs are there, ASYNC_BLOCKS."""
    profile = profile_of(slug, chain_id)
    return ASYNC_BLOCKS if profile and "async-execution" in profile.quirks else 0


def block_time_of(slug: str, chain_id: int) -> float:
    """Seconds between blocks; 2 where nobody has said."""
    profile = profile_of(slug, chain_id)
    return profile.block_time if profile else 2.0
