"""GET /api/v1/addresses/{address}/proof: whether an address has touched a contract, and what that rests on."""

from collections.abc import Sequence
from http import HTTPStatus

from django import forms
from rest_framework.request import Request
from rest_framework.response import Response

from api import openapi_examples as examples
from api.openapi import documented
from api.parameters import Address, Text, read_parameters
from api.problems import Problem
from api.questions import choose_chains, read_address, wrong_parameter
from api.rest import RestView
from indexer.chains.models import Chain
from indexer.positions.address import checksum
from indexer.positions.first_touch import FirstTouches
from indexer.positions.proof import Proof, prove


class ProofForm(forms.Form):
    chain = Text(required=True, help_text="the chain's name")
    contract = Address(required=True, help_text="the contract, in any case")


class Proofs(RestView):
    """One set of endpoints for a process; as_view(touches=…) gives a view one of its own."""

    touches = FirstTouches()

    @documented(
        "proveAddress",
        "Prove an answer",
        tag="Addresses",
        answer=Proof,
        example=examples.PROOF,
        path=["address"],
        parameters=[ProofForm],
    )
    def get(self, request: Request, address: str) -> Response:
        """Whether the address has touched the contract, or never has, or why that is not known, with every block range
        that this rests on. The transaction of a touch is asked of an endpoint, within some seconds.
        """
        asked = read_parameters(request.GET, ProofForm)
        user, contract = read_address(address), asked["contract"]

        def ask(known: Sequence[Chain]) -> Proof | None:
            chains = choose_chains(known, asked["chain"])
            if len(chains) != 1:
                raise wrong_parameter("chain", "A proof is of one chain: name one, as in chain=ethereum.")
            return prove(user, chains[0], contract, self.touches.find)

        proof = self.chains.ask(ask)
        if proof is None:
            raise Problem(
                HTTPStatus.NOT_FOUND,
                f"No enabled job watches {checksum(contract)} on {asked['chain']}.",
            )
        # What an endpoint says now is in it, so that no version of the chain's tables could name it.
        return Response(proof, headers={"Cache-Control": "no-store"})
