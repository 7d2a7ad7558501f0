"""Long work speaks every few seconds, and short work not at all."""

from indexer.positions.progress import EVERY, Progress


def test_it_speaks_every_few_seconds() -> None:
    said: list[str] = []
    now = [0.0]
    progress = Progress(said.append, clock=lambda: now[0])
    for second in range(int(EVERY) * 3):
        now[0] = float(second)
        progress("logs", second * 1_000_000)
    assert said == ["logs: 5 MB so far", "logs: 10 MB so far"]
