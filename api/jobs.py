"""/api/v1/chains/{chain}/jobs…: what is watched, and the changes that operators make to it."""

from http import HTTPStatus
from typing import Annotated

from django.conf import settings
from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins
from rest_framework.request import Request
from rest_framework.response import Response

from api.job_filter import FILTERS, choose_jobs
from api.openapi import documented
from api.parameters import Cursor, PageForm, next_page, read_parameters
from api.problems import Problem
from api.rest import RestView, read_json, refused
from indexer.access.scopes import WRITE_JOBS
from indexer.chains.connections import connect
from indexer.chains.models import Chain
from indexer.positions.definition import Definition
from indexer.positions.jobs import Event, Job, JobDetail, find_job, read_job, read_jobs
from indexer.positions.protocol.imports import import_watch_list
from indexer.positions.protocol.jobs import disable_jobs, enable_jobs, rescan_jobs
from indexer.positions.watchlist import MAX_BLOCK, WatchList, WatchListError, read_watch_list

LARGEST_ID = 2**31 - 1


class JobPage(PageForm):
    cursor = Cursor(pattern="[0-9]{1,10}")


class JobList(Struct):
    """Jobs by id; `next` leads to the page behind this one, null on the last."""

    jobs: list[Job]
    next: str | None


Label = Annotated[str, Meta(min_length=1, max_length=200)]
Source = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", description="who says so")]
BlockNumber = Annotated[int, Meta(ge=0, le=MAX_BLOCK)]


class NewJob(Struct, forbid_unknown_fields=True):
    """A contract to watch, as a watch list says it."""

    contract: Annotated[str, Meta(description="0x and 40 hex digits; mixed case must be EIP-55")]
    event: Event
    protocol: Label
    product: Label
    start_block: Annotated[BlockNumber, Meta(description="nothing earlier is read")] | UnsetType = UNSET
    source: Source = "api"


class JobChange(Struct, forbid_unknown_fields=True):
    """Whether the job is watched."""

    enabled: bool


class Rescan(Struct, forbid_unknown_fields=True):
    """Where to begin."""

    from_block: BlockNumber


class Jobs(RestView):
    write_scope = WRITE_JOBS

    @documented(
        "listJobs", "List a chain's jobs", tag="Jobs", answer=JobList, path=["chain"], parameters=[FILTERS, JobPage]
    )
    def get(self, request: Request, chain: str) -> Response:
        """The jobs of a chain, by id."""
        asked = read_parameters(request.GET, FILTERS, JobPage)
        after, limit = int(asked["cursor"] or 0), asked["limit"]

        def read(found: Chain) -> tuple[list[int], list[Job]]:
            ids = choose_jobs(found, request.GET.dict(), after, limit + 1)
            return ids, read_jobs(found, ids[:limit], using="default")

        ids, jobs = self.ask_chain(chain, read)
        following = next_page(request.path, request.GET, str(ids[limit - 1])) if len(ids) > limit else None
        return Response(JobList(jobs, following))

    @documented(
        "addJob",
        "Watch a contract",
        tag="Jobs",
        answer=JobDetail,
        answers={200: "It was watched already, perhaps without this label.", 201: "It is watched from now on."},
        path=["chain"],
        body=NewJob,
        examples={
            "Transfer": {
                "contract": "0x028171bCA77440897B824Ca71D1c56caC55b68A3",
                "event": "Transfer",
                "protocol": "aave-v2",
                "product": "a-token",
                "start_block": 11360000,
            }
        },
    )
    def post(self, request: Request, chain: str) -> Response:
        """Watch one contract's event, by the rules of a watch list: what this source said before of the contract under
        this label is replaced. Saying the same again changes nothing. The chain's worker takes a new job up by itself.
        """
        read_parameters(request.GET)
        found = self.find_now(chain)
        new = read_json(request, settings.BODY_LIMIT, NewJob)
        watch_list, definition = read_new_job(found, new)
        target = f"{new.contract} {new.protocol}/{new.product} of {new.source}"
        with self.recorded("add job", found, target) as recording, connect(found) as connection:
            imported = import_watch_list(
                connection, watch_list, source=new.source, chain_floor=found.floor, prune=False
            )
            job = find_job(connection, definition)
            recording.outcome = f"job {job}: {imported.added} added, {imported.retired} replaced"
        status = HTTPStatus.CREATED if imported.added else HTTPStatus.OK
        return Response(read_or_404(found, job or 0), status=status)


class JobItem(RestView):
    write_scope = WRITE_JOBS

    @documented("readJob", "Read a job", tag="Jobs", answer=JobDetail, path=["chain", "job"])
    def get(self, request: Request, chain: str, job: int) -> Response:
        """A job with the blocks that are read and those with logs that could not be."""
        read_parameters(request.GET)
        return Response(self.ask_chain(chain, lambda found: read_or_404(found, job)))

    @documented(
        "changeJob",
        "Enable or disable a job",
        tag="Jobs",
        answer=JobDetail,
        path=["chain", "job"],
        body=JobChange,
        examples={"disable": {"enabled": False}},
        more_problems=["409"],
    )
    def patch(self, request: Request, chain: str, job: int) -> Response:
        """A disabled job is watched no more, and lookups do not name it. What is read stays, so that enabling it reads
        only what was missed.
        """
        read_parameters(request.GET)
        found = self.find_now(chain)
        change = read_json(request, settings.BODY_LIMIT, JobChange)
        current = read_living(found, job)
        with (
            self.recorded("enable job" if change.enabled else "disable job", found, f"job {job} {current.contract}"),
            connect(found) as connection,
        ):
            (enable_jobs if change.enabled else disable_jobs)(connection, [job])
        return Response(read_or_404(found, job))


class JobRescan(RestView):
    write_scope = WRITE_JOBS

    @documented(
        "rescanJob",
        "Read a job's past again",
        tag="Jobs",
        answer=JobDetail,
        path=["chain", "job"],
        body=Rescan,
        examples={"from a block on": {"from_block": 17000000}},
        more_problems=["409"],
    )
    def post(self, request: Request, chain: str, job: int) -> Response:
        """Read the job's logs again from a block on. What is stored stays, and what is missing is added; until that is
        done, lookups name its contract in check_also.
        """
        read_parameters(request.GET)
        found = self.find_now(chain)
        rescan = read_json(request, settings.BODY_LIMIT, Rescan)
        current = read_living(found, job)
        target = f"job {job} {current.contract} from block {rescan.from_block}"
        with self.recorded("rescan job", found, target), connect(found) as connection:
            rescan_jobs(connection, [job], rescan.from_block)
        return Response(read_or_404(found, job))


def read_or_404(chain: Chain, job: int) -> JobDetail:
    found = read_job(chain, job) if job <= LARGEST_ID else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"{chain} has no job {job}.")
    return found


def read_living(chain: Chain, job: int) -> JobDetail:
    found = read_or_404(chain, job)
    if found.state == "retired":
        raise Problem(
            HTTPStatus.CONFLICT, f"Job {job} has retired: its event was replaced. Change the contract's other job."
        )
    return found


def read_new_job(chain: Chain, new: NewJob) -> tuple[WatchList, Definition]:
    """The body as a watch list of one contract. Raises Problem with all that is wrong."""
    watch = {
        "protocol": new.protocol,
        "product": new.product,
        "event": to_builtins(new.event),
        "contracts": [new.contract],
    }
    if new.start_block is not UNSET:
        watch["start_block"] = new.start_block
    try:
        watch_list = read_watch_list({"chain": chain.slug, "chain_id": chain.chain_id, "watches": [watch]})
    except WatchListError as error:
        raise refused([text.removeprefix("watches[0] ") for text in error.problems]) from None
    [entry] = watch_list.entries
    assert entry.definition is not None  # the event is never false here
    return watch_list, entry.definition
