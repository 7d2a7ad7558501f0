"""/api/v1/market/proposals…: jobs that mappings of 0.8 and more propose, and what operators make of them."""

from collections.abc import Callable
from http import HTTPStatus

from django import forms
from msgspec import Struct
from rest_framework.request import Request
from rest_framework.response import Response

from api.market import examples
from api.market.asking import ROW_CURSOR, following, read_after
from api.openapi import documented
from api.parameters import Choice, Cursor, PageForm, Text, read_parameters
from api.problems import Problem
from api.questions import unknown_chains, wrong_parameter
from api.rest import RestView
from indexer.access.scopes import WRITE_JOBS
from indexer.market.answers.proposed import Proposal, list_proposals, read_proposal
from indexer.market.models import STATES
from indexer.market.proposals import ProposalError, accept, dismiss

LARGEST_ID = 2**31 - 1


class ProposalForm(forms.Form):
    state = Choice(choices=STATES, help_text="what has become of them")
    chain = Text(help_text="proposals for this chain of ours")


class ProposalPage(PageForm):
    cursor = Cursor(pattern=ROW_CURSOR)


class ProposalList(Struct):
    """Proposals, the newest first; `next` leads to the page behind this one, null on the last."""

    proposals: list[Proposal]
    next: str | None


class Proposals(RestView):
    @documented(
        "listProposals",
        "List proposed jobs",
        tag="Market",
        answer=ProposalList,
        example=examples.PROPOSALS,
        parameters=[ProposalForm, ProposalPage],
    )
    def get(self, request: Request) -> Response:
        """Jobs that would watch the contracts of pools, and what became of each: the newest first."""
        asked = read_parameters(request.GET, ProposalForm, ProposalPage)
        unknown = self.chains.ask(lambda known: unknown_chains(known, {asked["chain"]} - {None}))
        if unknown:
            raise wrong_parameter("chain", unknown)
        page = list_proposals(asked["state"], asked["chain"], read_after(asked["cursor"]), asked["limit"])
        return Response(ProposalList(page.rows, following(request.path, request.GET, page.last)))


class ProposalItem(RestView):
    @documented(
        "readProposal",
        "Read a proposed job",
        tag="Market",
        answer=Proposal,
        example=examples.PROPOSAL,
        path=["proposal"],
    )
    def get(self, request: Request, proposal: int) -> Response:
        """A job that is proposed, or was."""
        read_parameters(request.GET)
        return Response(read_or_404(proposal))


class ProposalAccept(RestView):
    write_scope = WRITE_JOBS

    @documented(
        "acceptProposal",
        "Accept a proposed job",
        tag="Market",
        answer=Proposal,
        example=examples.ACCEPTED,
        path=["proposal"],
        more_problems=["409"],
    )
    def post(self, request: Request, proposal: int) -> Response:
        """Watch the contract: the chain's worker takes the job up by itself. A proposal is decided once."""
        read_parameters(request.GET)
        return Response(decide(self.caller.name, proposal, accept))


class ProposalDismiss(RestView):
    write_scope = WRITE_JOBS

    @documented(
        "dismissProposal",
        "Dismiss a proposed job",
        tag="Market",
        answer=Proposal,
        example=examples.DISMISSED,
        path=["proposal"],
        more_problems=["409"],
    )
    def post(self, request: Request, proposal: int) -> Response:
        """Do not watch the contract, and do not propose it for this chain again. A proposal is decided once."""
        read_parameters(request.GET)
        return Response(decide(self.caller.name, proposal, dismiss))


def decide(actor: str, proposal: int, does: Callable[[int, str], object]) -> Proposal:
    """The proposal as it is then. Raises Problem, a 409 where it is decided already or cannot be."""
    read_or_404(proposal)
    try:
        does(proposal, actor)
    except ProposalError as error:
        raise Problem(HTTPStatus.CONFLICT, f"Nothing was changed: {error}.") from None
    return read_or_404(proposal)


def read_or_404(proposal: int) -> Proposal:
    found = read_proposal(proposal) if proposal <= LARGEST_ID else None
    if found is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"There is no proposal {proposal}; /api/v1/market/proposals lists them.")
    return found
