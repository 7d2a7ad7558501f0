"""GET /api/v1/chains/{chain}/coverage: what a chain's answers rest on."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_examples as examples
from api.openapi import documented
from api.parameters import Cursor, PageForm, next_page, read_parameters
from api.rest import RestView
from indexer.positions.readings import BEGINNING, LATEST, ChainCoverage, RunKey, read_coverage


class CoveragePage(PageForm):
    cursor = Cursor(pattern=f"(?:{LATEST}|[0-9]{{1,18}}):[0-9]{{1,18}}:[0-9]{{1,18}}")


class Coverage(RestView):
    @documented(
        "readCoverage",
        "Read what a chain's answers rest on",
        tag="Chains",
        answer=ChainCoverage,
        example=examples.COVERAGE,
        path=["chain"],
        parameters=[CoveragePage],
    )
    def get(self, request: Request, chain: str) -> Response:
        """The runs of blocks that were read, with their levels: those of each scan of the past, then those of the
        latest loop.
        """
        asked = read_parameters(request.GET, CoveragePage)
        after = read_run_cursor(asked["cursor"])
        page = self.ask_chain(chain, lambda found: read_coverage(found, after, asked["limit"]))
        if page.last is not None:
            by = LATEST if page.last.scan is None else page.last.scan
            page.coverage.next = next_page(request.path, request.GET, f"{by}:{page.last.block}:{page.last.id}")
        return Response(page.coverage)


def read_run_cursor(text: str | None) -> RunKey:
    """Before everything where it is not given."""
    if text is None:
        return BEGINNING
    by, block, run = text.split(":")
    return RunKey(None if by == LATEST else int(by), int(block), int(run))
