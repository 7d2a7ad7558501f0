"""RPC URLs come from the environment or from a file that it names; no error ever shows one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.chains.endpoints import EndpointsError, open_endpoints, open_node, read_file, urls_of
from indexer.rpc import RpcError, WrongChain
from tests.rpc.scripted import ScriptedNode, giving, refusing, sending

SECRET = "k3yk3yk3yk3yk3y"


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[ScriptedNode]]:
    """Three endpoints of a chain called attic; each says by `always` what it is."""
    nodes = [ScriptedNode() for _ in range(3)]
    monkeypatch.setenv("RPC_URLS_ATTIC", ",".join(f"{node.url}/{SECRET}" for node in nodes))
    yield nodes
    for node in nodes:
        node.stop()


def wait_never(seconds: float) -> None:
    """A pause without a pause."""


def test_the_environment_names_urls_by_chain() -> None:
    environ = {
        "RPC_URLS_BASE": " https://a.example/x , https://b.example ,, ",
        "RPC_URLS_OPTIMISM": "https://c.example",
    }
    assert urls_of("base", environ) == ["https://a.example/x", "https://b.example"]
    assert urls_of("optimism", environ) == ["https://c.example"]


def test_the_file_is_read_at_every_call(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    environ = {"RPC_URLS_FILE": str(file)}
    file.write_text("RPC_URLS_BASE=https://a.example\n")
    assert urls_of("base", environ) == ["https://a.example"]
    file.write_text("RPC_URLS_BASE=https://b.example\n")
    assert urls_of("base", environ) == ["https://b.example"]


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("RPC_URLS_BASE=https://file.example\nRPC_URLS_LINEA=https://linea.example")
    environ = {"RPC_URLS_BASE": "https://environment.example", "RPC_URLS_FILE": str(tmp_path / "urls")}
    assert urls_of("base", environ) == ["https://environment.example"]
    assert urls_of("linea", environ) == ["https://linea.example"]


def test_the_file_is_written_like_any_env_file(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text(
        "# endpoints\n\n"
        "export RPC_URLS_BASE = 'https://a.example,https://b.example?key=1=2'\n"
        '  rpc_urls_linea="https://c.example"  \n'
        "\t# the end\n"
    )
    assert read_file(tmp_path / "urls") == {
        "RPC_URLS_BASE": "https://a.example,https://b.example?key=1=2",
        "RPC_URLS_LINEA": "https://c.example",
    }


def test_a_malformed_line_is_named_but_not_shown(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text(f"RPC_URLS_BASE=https://a.example\n\nhttps://a.example/{SECRET}\n")
    with pytest.raises(EndpointsError, match=r"urls line 3 is not of the form RPC_URLS_<CHAIN>=url,url") as error:
        read_file(tmp_path / "urls")
    assert SECRET not in str(error.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(EndpointsError, match="nothing cannot be read: No such file"):
        read_file(tmp_path / "nothing")
    with pytest.raises(EndpointsError, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_a_chain_without_urls_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(EndpointsError, match=r"^base has no RPC URL: set RPC_URLS_BASE$"):
        urls_of("base", {})
    with pytest.raises(EndpointsError, match=r"set RPC_URLS_BASE$"):
        urls_of("base", {"RPC_URLS_BASE": " , "})
    (tmp_path / "urls").write_text("")
    with pytest.raises(EndpointsError, match="or a line RPC_URLS_BASE=… in RPC_URLS_FILE"):
        urls_of("base", {"RPC_URLS_FILE": str(tmp_path / "urls")})


@pytest.mark.parametrize("url", [f"wss://a.example/{SECRET}", SECRET, f"http:///{SECRET}", f"https://[{SECRET}"])
def test_what_is_no_url_is_refused_without_showing_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_ATTIC", f"https://good.example/{SECRET},{url}")
    with pytest.raises(EndpointsError, match=r"^attic: .*-2: not an RPC URL") as error:
        open_endpoints("attic")
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None


def test_endpoints_have_labels_by_provider_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPC_URLS_ATTIC", f"https://base.g.example.com/{SECRET},http://127.0.0.1:8545")
    assert [endpoint.label for endpoint in open_endpoints("attic")] == ["example-1", "local-2"]


def test_the_first_endpoint_that_answers_is_taken(serving: list[ScriptedNode]) -> None:
    serving[0].always = sending(b"gone", 503)
    serving[1].always = giving("0x2a")
    serving[2].always = giving("0x2a")
    assert open_node("attic", 42, wait_never).endpoint.label == "local-2"


def test_an_endpoint_of_another_chain_is_refused_even_if_others_are_right(serving: list[ScriptedNode]) -> None:
    serving[0].always = giving("0x2a")
    serving[1].always = giving("0x1")
    serving[2].always = sending(b"gone", 503)
    with pytest.raises(WrongChain, match="attic: local-2 serves chain id 1, not 42: correct RPC_URLS_ATTIC") as error:
        open_node("attic", 42, wait_never)
    assert SECRET not in str(error.value)


def test_without_any_answer_every_endpoint_says_why(serving: list[ScriptedNode]) -> None:
    serving[0].always = sending(b"gone", 503)
    serving[1].always = refusing(-32000, f"bad key {SECRET}")
    serving[2].stop()
    with pytest.raises(RpcError) as error:
        open_node("attic", 42, wait_never)
    said = str(error.value)
    assert "local-1" in said
    assert "bad key <local-2>" in said
    assert "local-3" in said
    assert SECRET not in said
    assert "127.0.0.1" not in said
