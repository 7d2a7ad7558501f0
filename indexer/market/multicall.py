"""Many questions to contracts of a chain in few requests, all at one block.

Multicall3 (mds1/multicall3) stands at the same address on nearly every chain; where it does not, nodes are asked for
each call, in JSON-RPC batches.
"""

from collections.abc import Iterable, Sequence

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from indexer.market.calls import Answers, Call
from indexer.market.identity import Claim, ask_itself, ask_others, ask_tokens, judge
from indexer.market.score import Evidence
from indexer.rpc import Inconsistent, Node

MULTICALL3 = "0xca11bde05977b3631167028862be2a173976ca11"
AGGREGATE3 = "0x82ad56cb"
"""aggregate3((address target, bool allowFailure, bytes callData)[]) returns (bool success, bytes returnData)[]."""
CHUNK, FEW = 200, 10
"""Calls at once; and so few that they are asked one by one where even they are too much together."""
LONGEST = 1 << 16
"""Bytes of an answer: a longer one says nothing of use."""


class Asking:
    """Contracts of one chain, each check as they are at the block that is the newest when it begins.

    Most nodes keep the state of some 128 blocks, which on a quick chain are half a minute.
    """

    def __init__(self, node: Node) -> None:
        """Raises RpcError."""
        self._node = node
        self.pin()
        self.bundles = bool(node.codes([MULTICALL3], self.block)[0])

    def pin(self) -> None:
        """Ask of the block that is the newest now. Raises RpcError."""
        header = self._node.header("latest")
        if header is None:
            raise Inconsistent("there is no newest block", endpoint=self._node.endpoint.label)
        self.block = header.number

    def ask(self, calls: Sequence[Call]) -> list[bytes | None]:
        """The answer to each call; None to one that was refused, or answered at great length. Raises RpcError."""
        chunks = [calls[start : start + CHUNK] for start in range(0, len(calls), CHUNK)]
        return [answer for chunk in chunks for answer in self._ask_chunk(chunk)]

    def _ask_chunk(self, calls: Sequence[Call]) -> list[bytes | None]:
        if not self.bundles:
            return self._ask_each(calls)
        asked = encode(["(address,bool,bytes)[]"], [[(each.to, True, bytes.fromhex(each.data[2:])) for each in calls]])
        (raw,) = self._node.read_contracts([(MULTICALL3, AGGREGATE3 + asked.hex())], self.block)
        try:
            (answers,) = decode(["(bool,bytes)[]"], raw or b"")
        except DecodingError:
            answers = ()
        if len(answers) == len(calls):
            return [bytes(data) if done and len(data) <= LONGEST else None for done, data in answers]
        # Out of gas as a whole, most likely: one call may have used all of it up, or answered without end.
        if len(calls) <= FEW:
            return self._ask_each(calls)
        half = len(calls) // 2
        return [*self._ask_chunk(calls[:half]), *self._ask_chunk(calls[half:])]

    def _ask_each(self, calls: Sequence[Call]) -> list[bytes | None]:
        answers = self._node.read_contracts([(each.to, each.data) for each in calls], self.block)
        return [answer if answer is None or len(answer) <= LONGEST else None for answer in answers]

    def check(self, claims: Sequence[Claim]) -> list[Evidence | None]:
        """What the chain says of each claim; None where neither yes nor no. Raises RpcError."""
        self.pin()
        own = self._ask_all([ask_itself(claim) for claim in claims])
        others = self._ask_all([ask_others(claim, mine) for claim, mine in zip(claims, own, strict=True)])
        known = [{**mine, **theirs} for mine, theirs in zip(own, others, strict=True)]
        inside = self._ask_all([ask_tokens(claim, answers) for claim, answers in zip(claims, known, strict=True)])
        # A contract has answered if anything came back; of the rest only their code tells.
        silent = [claim.address for claim, mine in zip(claims, own, strict=True) if not any(mine.values())]
        codes = dict(zip(silent, self._node.codes(silent, self.block), strict=True))
        return [
            judge(claim, {**answers, **tokens}, has_code=codes.get(claim.address, b"\1") != b"", block=self.block)
            for claim, answers, tokens in zip(claims, known, inside, strict=True)
        ]

    def _ask_all(self, questions: Iterable[list[Call]]) -> list[Answers]:
        """The calls of many as one list, and their answers by each one's names."""
        asked = list(questions)
        answers = iter(self.ask([each for calls in asked for each in calls]))
        return [{each.name: next(answers) for each in calls} for calls in asked]
