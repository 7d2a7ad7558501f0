"""The API withstands what its own schema makes of it: no 5xx, and every answer is what the schema says."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.access.keys import make_key
from indexer.access.scopes import OPERATOR, VIEWER, Role
from indexer.chains.models import Chain
from tests.api.rest_rows import fill
from tests.market.listed import market
from tests.processes import web_address

__all__ = ["market"]

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
)


@pytest.fixture
def url(chains: list[Chain], market: None, tmp_path: Path) -> Iterator[str]:
    fill(chains)
    with web_address(tmp_path / "web.log") as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize(("role", "examples"), [(VIEWER, 6), (OPERATOR, 15)], ids=["reader", "operator"])
def test_nothing_that_the_schema_allows_or_forbids_is_a_server_error(
    url: str, role: Role, examples: int, tmp_path: Path
) -> None:
    key = make_key(role.name, sorted(role.scopes), created_by="test").text
    fuzzer = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/schema"]
    options = ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color"]
    options += ["--max-examples", str(examples), "--warnings", "off", "--header", f"Authorization: Bearer {key}"]
    done = subprocess.run([*fuzzer, *options], cwd=tmp_path, text=True, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-2000:]}"
    assert " 500 " not in (tmp_path / "web.log").read_text()
