"""Settings: one table, read with words for what is wrong, and documents made from it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.options import PROJECT, TABLE, OptionError, Options, main

CODE = [path for folder in ("config", "indexer", "api") for path in (PROJECT / folder).rglob("*.py")]


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("true", True), ("ON", True), ("0", False), ("no", False), ("", True)]
)
def test_a_flag_is_read_in_many_spellings_and_empty_is_the_default(value: str, meant: bool) -> None:
    assert Options({"PUBLIC_READ": value}).flag("PUBLIC_READ") is meant


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PUBLIC_READ": "maybe"}, "PUBLIC_READ=maybe is neither 1 nor 0"),
        ({"BODY_LIMIT": "-1"}, "BODY_LIMIT=-1 is not a whole number of 1024 or more"),
        ({"BODY_LIMIT": "12"}, "BODY_LIMIT=12 is not a whole number of 1024 or more"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL=loud is not known: it is one of debug, info"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_what_would_be_right(environ: dict[str, str], said: str) -> None:
    options = Options(environ)
    with pytest.raises(OptionError, match=re.escape(said)):
        options.flag("PUBLIC_READ") and options.number("BODY_LIMIT", least=1024) and options.text("LOG_LEVEL")


@pytest.mark.parametrize("value", ["api.llama.fi", "ftp://host", "https://", "http://host:0", "http://[::1"])
def test_a_base_url_that_is_none_is_named(value: str) -> None:
    with pytest.raises(OptionError, match=rf"^DEFILLAMA_URL={re.escape(value)} is no base URL: it looks like"):
        Options({"DEFILLAMA_URL": value}).url("DEFILLAMA_URL")


def test_a_base_url_has_no_slash_at_its_end() -> None:
    assert Options({"DEFILLAMA_URL": "http://127.0.0.1:99/llama/"}).url("DEFILLAMA_URL") == "http://127.0.0.1:99/llama"


def test_a_list_has_no_empty_names() -> None:
    assert Options({"CHAINS": " ethereum, ,base,"}).names("CHAINS") == ["ethereum", "base"]


def test_a_command_with_wrong_settings_leaves_with_78_and_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env=os.environ | {"PUBLIC_READ": "maybe"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (78, "PUBLIC_READ=maybe is neither 1 nor 0\n")


def test_the_documents_are_up_to_date() -> None:
    assert main(["--check"]) == 0


def test_every_variable_that_the_code_reads_is_in_the_table() -> None:
    """Internal ones, which one process sets for another, are not settings."""
    internal = {"FOOTPRINT_PROCESS", "DJANGO_SETTINGS_MODULE", "VIRTUAL_ENV", "HOME", "PATH"}
    internal |= {"SUPERVISOR_PROCESS_NAME", "SUPERVISOR_SERVER_URL"}
    reading = re.compile(r"environ(?:\.get\(|\[)\s*\"([A-Z_0-9]+)\"|OPTIONS\.\w+\(\s*\"([A-Z_0-9]+)\"")
    read = {name for path in CODE for pair in reading.findall(path.read_text()) for name in pair if name}
    assert read - internal <= set(TABLE)


def test_secrets_have_no_default() -> None:
    assert all(not option.default for option in TABLE.values() if option.secret)


def test_the_secret_key_of_a_machine_is_made_once_and_private(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from config import settings; print(settings.SECRET_KEY)"]
    environ = {name: value for name, value in os.environ.items() if name != "SECRET_KEY"}
    environ["FOOTPRINT_STATE"] = str(tmp_path / "state")
    keys = {subprocess.check_output(command, cwd=PROJECT, env=environ, text=True).strip() for _ in range(2)}
    assert len(keys) == 1
    assert len(keys.pop()) >= 50
    assert (tmp_path / "state" / "secret-key").stat().st_mode & 0o777 == 0o600
