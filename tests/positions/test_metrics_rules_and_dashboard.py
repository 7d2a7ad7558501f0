"""config/prometheus: what the rules and the dashboard ask for is what a real worker and a real web server show."""

import json
import re
import shutil
import subprocess
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from indexer.chains.connections import Connection
from tests.market.listed import market
from tests.metrics import parse
from tests.positions.proxy import Proxy
from tests.positions.world import A, World
from tests.processes import PROJECT, ChainWorker, read_page, wait_until, web_address
from tests.rpc.scripted import refusing
from tests.tasks.told import tell_run, told
from tests.workers.rows import runtime, tell

__all__ = ["market", "runtime", "told"]

FOLDER = PROJECT / "config" / "prometheus"
OURS = re.compile(r"\b(?:footprint|django|process)_[a-z0-9_]+\b")
# What Prometheus itself adds to every series of a target, and the web server only with several processes.
ALWAYS = {"job", "instance", "pid"}

Labels = dict[str, set[str]]


@pytest.fixture
def shown(world: World, runtime: Connection, told: Connection, market: None, tmp_path: Path) -> Labels:
    """Every name that a worker which has seen an error and a web server expose, with the names of its labels."""
    world.import_list({A: "Transfer"})
    tell(runtime, "prices", latency=0.5, lag=1.0, last_run_at=datetime.now(UTC))
    tell_run(told, "sync-pools", "succeeded")
    told.execute("INSERT INTO public.api_limits (api, next_at) VALUES ('defillama', now())")
    proxy = Proxy(world.evm.url)
    texts = []
    with ChainWorker("hilltop", "--metrics-port", "0", url=proxy.url, log=tmp_path / "worker.log") as worker:
        wait_until(lambda: bool(world.setting("coverage")["complete"]))
        proxy.rules.append(lambda call: refusing(-32000, "not now"))
        worker.wait_until_it_says("not now")
        texts.append(read_page(worker.metrics_url))
    proxy.stop()
    with web_address(tmp_path / "web.log") as address:
        texts.append(read_page(f"{address}/metrics"))
    found: Labels = defaultdict(set)
    for text in texts:
        for name in re.findall(r"^# TYPE (\S+)", text, re.MULTILINE):
            found[name] |= set()
        for name, labels in parse(text):
            found[name] |= {label for label, _ in labels}
    return found


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FOLDER / "grafana" / "footprint.json").read_text())
    return read


def dashboard_expressions() -> list[str]:
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", [])]


def unknown(expression: str, shown: Labels) -> set[str]:
    """Names of metrics and labels in the expression that nobody shows."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    names = set(OURS.findall(bare))
    known = ALWAYS.union(*(shown.get(name, ()) for name in names))
    by = {word.strip() for group in re.findall(r"\bby \(([^)]*)\)", bare) for word in group.split(",")}
    matched = set(re.findall(r"[{,]\s*(\w+)\s*[=!]", bare))
    return (names - shown.keys()) | ((by | matched) - known)


def test_rules_and_dashboard_ask_only_for_what_is_shown(shown: Labels) -> None:
    asked = {rule["alert"]: rule["expr"] for rule in rules()} | {text: text for text in dashboard_expressions()}
    assert len(asked) > 30
    assert {what: unknown(expression, shown) for what, expression in asked.items() if unknown(expression, shown)} == {}
    in_tests = set(OURS.findall((FOLDER / "alerts_test.yml").read_text()))
    assert in_tests <= shown.keys()
    # Nothing is counted that nobody looks at.
    looked_at = {name for expression in asked.values() for name in OURS.findall(expression)}
    ours = {
        name for name in shown if name.startswith("footprint_") and not name.endswith(("_count", "_sum", "_bucket"))
    }
    assert ours - looked_at == {"footprint_rpc_request_duration_seconds"}  # its buckets are


@pytest.mark.parametrize(
    ("expression", "missing"),
    [
        ('max by (chain) (footprint_up{loop="x"}) > 0', set()),
        ("max by (chain) (footprint_upp)", {"footprint_upp", "chain"}),
        ('sum by (chain, method) (footprint_up{other=~"x,y=1"})', {"method", "other"}),
    ],
)
def test_the_search_for_unknown_names_finds_them(expression: str, missing: set[str]) -> None:
    assert unknown(expression, {"footprint_up": {"chain", "loop"}}) == missing


def test_every_rule_has_a_summary_a_remedy_and_a_test_that_sees_it_fire() -> None:
    tests = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    fires = {case["alertname"] for case in cases if case.get("exp_alerts")}
    is_quiet = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    names = {rule["alert"] for rule in rules()}
    assert fires == is_quiet == names
    for rule in rules():
        assert rule["annotations"].keys() == {"summary", "remedy"}, rule["alert"]
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_the_dashboard_has_a_place_and_an_id_for_every_panel() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells


def promtool(*arguments: object) -> str:
    """What promtool says; it must be content."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed: it comes with Prometheus (apt install prometheus)")
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    assert f"{len(rules())} rules found" in promtool("check", "config", FOLDER / "prometheus.yml")


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", FOLDER / "alerts_test.yml")


def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    filled = [text.replace("$__rate_interval", "5m").replace("$chain", ".+") for text in dashboard_expressions()]
    recorded = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(filled)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    assert f"{len(filled)} rules found" in promtool("check", "rules", file)
