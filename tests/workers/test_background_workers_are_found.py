"""A background worker is a file in the folder `background` of an app, and one that is broken stops no other."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from indexer.workers.background import Misconfigured, Work
from indexer.workers.checks import check_background
from indexer.workers.registry import (
    Broken,
    Found,
    UnknownWorker,
    find_worker,
    found,
    load_all,
    load_worker,
    refuse_name,
)
from tests.processes import PROJECT, environment
from tests.workers.samples.background.steady import steady

SAMPLES = ["flaky", "lagging", "leaky", "needy", "steady", "stuck", "thrifty"]
Write = Callable[[str, str], Found]
BACKGROUND = "from indexer.workers.background import BackgroundWorker, Work, worker\n"


@pytest.fixture
def samples() -> Iterator[None]:
    with override_settings(INSTALLED_APPS=["indexer.workers", "tests.workers.samples"]):
        yield


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Write]:
    """Writes a file of a new app's, which is installed besides."""
    app = f"own_{abs(hash(request.node.nodeid))}"
    folder = tmp_path / app / "background"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(stem: str, text: str) -> Found:
        (folder / f"{stem}.py").write_text(BACKGROUND + text)
        return Found(stem.replace("_", "-"), f"{app}.background.{stem}")

    with override_settings(INSTALLED_APPS=["indexer.workers", "tests.workers.samples", app]):
        yield write


@pytest.mark.usefixtures("samples")
def test_every_file_of_an_apps_folder_is_a_worker() -> None:
    assert [each.name for each in found()] == SAMPLES
    assert find_worker("steady") == Found("steady", "tests.workers.samples.background.steady")
    assert load_all() == []
    needy = load_worker(find_worker("needy"))
    assert needy.needs == ("SAMPLE_KEY", "SAMPLE_SECRET")


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stedy", "there is no background worker 'stedy'; did you mean steady"),
        ("qqqqqq", "there is no background worker 'qqqqqq'; there are flaky, lagging, leaky, needy, steady"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_there_are(name: str, words: str) -> None:
    with pytest.raises(UnknownWorker) as refused:
        find_worker(name)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("stem", "text", "words"),
    [
        # what the file does while it is imported
        ("broken", "1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("lost", "import no_such_thing", "cannot be imported: ModuleNotFoundError: No module named 'no_such_thing'"),
        ("quitter", "raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("torn", "def", "cannot be imported: SyntaxError: "),
        # what it defines
        ("empty", "", "defines 0 workers: a file is one worker"),
        (
            "two",
            "class One(BackgroundWorker): ...\n@worker(every=1)\ndef two(work: Work) -> None: ...",
            "defines 2 workers: a file is one worker",
        ),
        (
            "prices",
            "@worker(every=1)\ndef price(work: Work) -> None: ...",
            "name the function prices, as its file is, or the file price.py",
        ),
        # what it is called
        ("web", "", "cannot be a worker: 'web' is the name of another program"),
        ("worker_x", "", "cannot be a worker: 'worker-x' is the name of another program"),
    ],
)
def test_a_file_that_is_no_worker_is_named_and_stops_no_other(write: Write, stem: str, text: str, words: str) -> None:
    each = write(stem, text)
    assert each in found()
    with pytest.raises(Misconfigured, match=re.escape(words)):
        load_worker(each)
    assert [(broken.name, words in broken.words) for broken in load_all()] == [(each.name, True)]
    assert load_worker(find_worker("steady")).every is not None


def test_of_two_files_with_one_name_the_first_is_it(write: Write) -> None:
    second = write("steady", "@worker(every=1)\ndef steady(work: Work) -> None: ...")
    assert find_worker("steady").module == "tests.workers.samples.background.steady"
    (broken,) = load_all()
    assert broken == Broken("steady", second.module, broken.words)
    assert broken.words.endswith(
        "is called steady, as tests.workers.samples.background.steady is: rename one of the files"
    )


def test_a_file_that_begins_with_an_underscore_is_none(write: Write) -> None:
    write("_shared", "")
    assert [each.name for each in found()] == SAMPLES


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("prices", False),
        ("nft-floors2", False),
        ("Prices", True),
        ("2prices", True),
        ("prices-", True),
        ("a--b", True),
        ("with space", True),
        ("x" * 61, True),
        ("overseer", True),
        ("historic-ethereum-1", True),
    ],
)
def test_names_are_those_that_a_program_can_have(name: str, is_refused: bool) -> None:
    assert bool(refuse_name(name)) is is_refused


def test_a_decorated_function_can_still_be_called() -> None:
    assert steady(Work()) == 3


def test_extra_apps_are_installed_or_refused_in_one_sentence() -> None:
    command = [sys.executable, "-c", "from config import settings; print(settings.INSTALLED_APPS)"]
    run = {"cwd": PROJECT, "capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, env=environment({}) | {"EXTRA_APPS": "tests.workers.samples"}, **run)  # type: ignore[call-overload]
    assert "'tests.workers.samples'" in done.stdout
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        env=environment({}) | {"EXTRA_APPS": "nobody.has.this"},
        **run,  # type: ignore[call-overload]
    )
    assert done.returncode == 78
    assert done.stderr.startswith("EXTRA_APPS=nobody.has.this cannot be found: name a Python package")


def test_the_check_names_what_is_broken_and_the_remedy(write: Write) -> None:
    assert check_background(None) == []
    write("empty", "")
    (found_wrong,) = check_background(None)
    assert found_wrong.id == "workers.E001"
    assert "defines 0 workers" in found_wrong.msg
