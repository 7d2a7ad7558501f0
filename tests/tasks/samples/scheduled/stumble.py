from indexer.tasks.declaring import Counts, Retry, Run, task


class Busy(Exception):
    def __init__(self, words: str, retry_after: float | None) -> None:
        super().__init__(words)
        self.retry_after = retry_after


@task(retry=Retry(attempts=3, first=0.1, factor=1, jitter=0))
def stumble(run: Run, *, times: int = 1, words: str = "it is busy", retry_after: float | None = None) -> Counts:
    """Fail so many times, and then succeed."""
    stumbled = run.cursor or 0
    if stumbled < times:
        run.save(stumbled + 1)
        raise Busy(words, retry_after)
    return Counts(changed=1)
