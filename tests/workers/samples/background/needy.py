"""Cannot work without two keys."""

from indexer.workers.background import Work, worker


@worker(every=0.2, needs=("SAMPLE_KEY", "SAMPLE_SECRET"))
def needy(work: Work) -> int:
    return 1
