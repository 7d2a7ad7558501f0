"""Dockerfile and compose.yaml say what the project understands, though no Docker engine is needed to see it."""

import json
import re
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.options import TABLE
from tests.deployment.commands import check_command
from tests.processes import PROJECT

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "footprint"}
DOCKERFILE = (PROJECT / "Dockerfile").read_text()
# What images of others read.
FOREIGN = {"POSTGRES_USER", "POSTGRES_HOST_AUTH_METHOD", "PUBLISH"}
# Python's own.
PYTHON = {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"}


def test_every_command_of_compose_is_one_of_ours() -> None:
    assert OURS.keys() == {"setup", "web", "workers"}
    for service in OURS.values():
        check_command(service["command"])


def test_every_variable_of_compose_is_a_setting() -> None:
    given = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    wished = set(re.findall(r"\$\{(\w+)", (PROJECT / "compose.yaml").read_text()))
    assert "DATABASE_URL" in given & wished
    assert (given | wished) - FOREIGN <= TABLE.keys()


def test_the_others_wait_until_the_database_is_ready_for_them() -> None:
    assert OURS["setup"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    for name in ("web", "workers"):
        assert OURS[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}


def test_whatever_compose_names_is_declared() -> None:
    for service in COMPOSE["services"].values():
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            assert source in COMPOSE["volumes"] or (source.startswith("./") and (PROJECT / source).exists()), source
        assert set(service.get("networks", [])) <= COMPOSE["networks"].keys()
    assert COMPOSE["services"]["postgres"]["networks"] == ["database"]
    assert "ports" not in COMPOSE["services"]["postgres"]


def test_prometheus_finds_the_web_server_by_a_name_that_it_answers_to() -> None:
    (group,) = json.loads((PROJECT / "config" / "prometheus" / "compose" / "web.json").read_text())
    assert group["targets"] == ["web:8000"]
    assert OURS["web"]["environment"]["ALLOWED_HOSTS"].endswith(",web")
    assert OURS["web"]["environment"]["WEB_BIND"].endswith(":8000")


def test_nothing_in_the_files_is_a_secret_or_somebodys_machine() -> None:
    text = DOCKERFILE + (PROJECT / "compose.yaml").read_text()
    assert not re.search(r"(PASSWORD|SECRET_KEY)\s*[:=]|://\w+:\w+@|/home/|/root/|/work/", text)


def instructions(keyword: str) -> list[str]:
    joined = DOCKERFILE.replace("\\\n", " ")
    return re.findall(rf"^{keyword} +(.+)$", joined, re.MULTILINE)


def test_the_images_commands_are_ours() -> None:
    (command,) = instructions("CMD")
    check_command(json.loads(command))
    (health,) = instructions("HEALTHCHECK")
    assert "CMD" in health
    check_command(json.loads(health.partition("CMD")[2]))


def test_the_images_variables_are_settings() -> None:
    names = {name for line in instructions("ENV") for name in re.findall(r"(\w+)=", line)}
    assert "WEB_BIND" in names
    assert names - PYTHON <= TABLE.keys()


def test_the_image_runs_as_a_user_without_rights() -> None:
    assert instructions("USER") == ["10001"]
    assert "--uid 10001" in DOCKERFILE


def test_the_image_gets_everything_that_runs_and_nothing_else() -> None:
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    roots = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    assert taken == {*roots, "manage.py", "requirements.txt"}


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([hadolint, PROJECT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    if shutil.which("docker-compose") is None:
        pytest.skip("docker-compose is not installed: apt install docker-compose")
    shutil.copy(PROJECT / "compose.yaml", tmp_path)
    (tmp_path / ".env").write_text("RPC_URLS_ETHEREUM=https://node.example\n")
    done = subprocess.run(["docker-compose", "config"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    services = yaml.safe_load(done.stdout)["services"]
    assert services["workers"]["environment"]["RPC_URLS_ETHEREUM"] == "https://node.example"
