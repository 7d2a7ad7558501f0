"""LOG_LEVEL=debug: each call to a node with its label, method, parameters, time and what came, and no URL."""

import logging

import pytest

from indexer.rpc import Endpoint, Refused

from .scripted import ScriptedNode, each, giving, refusing

KEY = "KeyOfTheEndpoint1"


def test_calls_and_batches_and_refusals_are_told(scripted: ScriptedNode, caplog: pytest.LogCaptureFixture) -> None:
    endpoint = Endpoint(f"{scripted.url}/v2/{KEY}", "local-1")
    with caplog.at_level(logging.DEBUG, "indexer.rpc"):
        scripted.always = giving(["0x1", "0x2"])
        endpoint.call("eth_list", [KEY, "x" * 1000], list[str])
        scripted.always = each(lambda params: "0x1")
        endpoint.batch("eth_many", [[1], [2], [3]], str)
        scripted.always = refusing(-32000, "no")
        with pytest.raises(Refused):
            endpoint.call("eth_refused", [], str)
    told = [record.getMessage() for record in caplog.records]
    assert [line.split(":")[0] for line in told] == ["local-1 eth_list", "local-1 eth_many", "local-1 eth_refused"]
    assert [line.split(", ")[1].split(":")[0] for line in told] == ["2 results", "3 results", "Refused"]
    assert all(" ms" in line and len(line) < 400 for line in told)
    assert KEY not in caplog.text
    assert str(scripted.port) not in caplog.text


def test_nothing_is_told_otherwise(scripted: ScriptedNode, caplog: pytest.LogCaptureFixture) -> None:
    scripted.always = giving("0x1")
    with caplog.at_level(logging.INFO, "indexer.rpc"):
        Endpoint(scripted.url, "local-1").call("eth_chainId", [], str)
    assert not caplog.records
