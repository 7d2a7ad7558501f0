"""config/chains.toml holds the profile of every known chain, and says which entry is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from indexer.chains.profiles import (
    PROFILES,
    UNKNOWN_FINALITY,
    Finality,
    ProfileError,
    block_time_of,
    finality_of,
    parse_profile,
    profile_of,
    read_profiles,
)

WATCHED = {
    "ethereum": 1,
    "optimism": 10,
    "bsc": 56,
    "polygon": 137,
    "fantom": 250,
    "sei": 1329,
    "base": 8453,
    "arbitrum": 42161,
    "avalanche": 43114,
    "linea": 59144,
}
BODY: dict[str, Any] = {"id": 7, "name": "Seven", "block_time": 3, "finality": "depth", "depth": 20}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "chains.toml"
    path.write_text(text)
    return path


def test_the_ten_chains_of_the_watch_lists_have_their_ids() -> None:
    assert {slug: read_profiles()[slug].chain_id for slug in WATCHED} == WATCHED


def test_the_watch_lists_name_chains_and_ids_as_the_profiles_do(shared_data: Path) -> None:
    for path in (shared_data / "watchlists").glob("*.json"):
        said = json.loads(path.read_text())
        assert read_profiles()[said["chain"]].chain_id == said["chain_id"], path.name


def test_every_profile_parses_and_can_be_used() -> None:
    profiles = read_profiles()
    assert len(profiles) >= 30
    for slug, profile in profiles.items():
        assert profile.slug == slug
        assert profile.name
        assert profile.block_time > 0
        assert profile.finality.depth > 0
        assert profile.finality.tag in (None, "finalized", "safe")
        assert profile.floor >= 0


def test_no_name_of_a_chain_is_another_chains_name() -> None:
    names = [name for profile in read_profiles().values() for name in (profile.slug, *profile.also)]
    assert len(names) == len(set(names))


def test_every_quirk_is_explained_where_the_profiles_are() -> None:
    head = PROFILES.read_text().split("\n[", 1)[0]
    used = {quirk for profile in read_profiles().values() for quirk in profile.quirks}
    assert {quirk for quirk in used if f"#   {quirk} " not in head} == set()


def test_a_profile_is_read_as_it_is_written() -> None:
    profile = parse_profile("seven", BODY | {"also": ["vii"], "quirks": ["no-bloom"], "floor": 5})
    assert (profile.slug, profile.chain_id, profile.name, profile.block_time) == ("seven", 7, "Seven", 3.0)
    assert (profile.finality, profile.floor) == (Finality(20), 5)
    assert (profile.also, profile.quirks) == (("vii",), ("no-bloom",))
    assert parse_profile("seven", BODY | {"finality": "safe"}).finality == Finality(20, "safe")


def test_a_profile_says_from_where_on_its_roots_are_known() -> None:
    learning = parse_profile("seven", BODY)
    assert (learning.standard_roots, learning.roots_from) == (False, 0)
    standard = parse_profile("seven", BODY | {"roots": "standard"})
    assert (standard.standard_roots, standard.roots_from) == (True, 0)
    later = parse_profile("seven", BODY | {"roots": "standard", "roots_from": 4_370_000})
    assert (later.standard_roots, later.roots_from) == (True, 4_370_000)


@pytest.mark.parametrize("roots", ["foreign", "", True, 1])
def test_roots_of_another_kind_are_named(roots: object) -> None:
    with pytest.raises(ProfileError, match=f"seven has roots {roots!r}; give standard, or nothing to learn"):
        parse_profile("seven", BODY | {"roots": roots})


def test_a_block_from_which_roots_are_known_needs_roots() -> None:
    with pytest.raises(ProfileError, match="seven has roots_from without roots"):
        parse_profile("seven", BODY | {"roots_from": 5})


def test_no_chain_is_standard_with_a_quirk_that_denies_it() -> None:
    denying = {"no-receipts-root", "foreign-header-hash", "no-bloom", "state-sync-logs"}
    standard = {slug: profile for slug, profile in read_profiles().items() if profile.standard_roots}
    assert {"ethereum", "hilltop", "seaside"} <= set(standard)
    assert [slug for slug, profile in standard.items() if denying & set(profile.quirks)] == []


@pytest.mark.parametrize("key", ["id", "name", "block_time", "depth"])
def test_a_profile_that_lacks_something_is_named(key: str) -> None:
    body = {name: value for name, value in BODY.items() if name != key}
    with pytest.raises(ProfileError, match=f"seven lacks '{key}'"):
        parse_profile("seven", body)


def test_an_unknown_key_is_named() -> None:
    with pytest.raises(ProfileError, match="seven has unknown keys blocktime"):
        parse_profile("seven", BODY | {"blocktime": 3})


def test_an_unknown_finality_is_named_with_those_there_are() -> None:
    with pytest.raises(ProfileError, match="seven has finality 'soon'; it is one of depth, finalized, safe"):
        parse_profile("seven", BODY | {"finality": "soon"})


@pytest.mark.parametrize(("key", "value"), [("id", "seven"), ("depth", "deep"), ("block_time", None)])
def test_a_value_that_is_no_number_is_named(key: str, value: object) -> None:
    with pytest.raises(ProfileError, match="seven"):
        parse_profile("seven", BODY | {key: value})


def test_two_chains_with_one_id_are_refused(tmp_path: Path) -> None:
    entry = 'id = 7\nname = "Seven"\nblock_time = 3\nfinality = "depth"\ndepth = 20\n'
    with pytest.raises(ProfileError, match="chain id 7 is given to two chains"):
        read_profiles(write(tmp_path, f"[seven]\n{entry}[sieben]\n{entry}"))


def test_a_chain_is_found_by_its_name_its_other_names_and_its_id() -> None:
    assert profile_of("ethereum") is profile_of("eth") is profile_of("mainnet") is profile_of("mine", 1)
    assert profile_of("nobody") is None
    assert finality_of("mine", 137) == Finality(256)


def test_a_chain_nobody_has_described_waits_long_for_finality() -> None:
    assert finality_of("nobody", 999_999) == UNKNOWN_FINALITY == Finality(128)
    assert block_time_of("nobody", 999_999) == 2.0
    assert block_time_of("ethereum", 1) == 12
