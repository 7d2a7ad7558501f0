"""Samples of the past: small ranges asked of a node, and what they cost."""

import math
from time import monotonic

from indexer.positions.estimate import Sample, Stretch, reach
from indexer.positions.questions import Question, Way
from indexer.rpc import Node, RpcError, TooLarge

QUESTIONS = 2
"""How many of a way's questions are asked at each point."""
TRIES = 6
"""How often a smaller range is tried where the node finds one too large, and how far the largest is looked for."""


class Sampler:
    """Asks small ranges and keeps what came. A way that the node refuses is left out, with its words."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.samples: list[Sample] = []
        self.requests = 0
        self.caps: dict[str, int] = {}
        self.refusals: dict[str, str] = {}
        self.ways: dict[str, Way] = {}

    def sample(self, stretch: Stretch, way: Way) -> float | None:
        """Logs per block that a question of this way finds here; None where the node does not answer it."""
        learned = self.ways.setdefault(way.name, way)
        questions = way.questions[:: -(-len(way.questions) // QUESTIONS)]
        answers = []
        for question in questions:
            answer = self.ask(learned, question, stretch.at, stretch.until)
            if answer is None:
                return None
            answers.append(answer)
        blocks, logs = sum(answer.blocks for answer in answers), sum(answer.logs for answer in answers)
        learned.estimate.succeeded(answers[-1].blocks, math.ceil(logs / len(answers)))
        return logs / blocks

    def ask(self, way: Way, question: Question, first: int, limit: int) -> Sample | None:
        """One question over the range that the estimate suggests, a smaller one where that is too large."""
        for _ in range(TRIES):
            last = way.estimate.take(first, limit)
            before, began = self.node.endpoint.bytes_in, monotonic()
            self.requests += 1
            try:
                logs = self.node.range_logs(first, last, question.addresses, question.topics)
            except TooLarge as error:
                self.caps[way.name] = min(self.cap(way), max(1, last - first))
                if last == first:
                    self.refusals[way.name] = str(error)
                    return None
                way.estimate.refused(first, last, error)
                self.caps[way.name] = min(self.cap(way), way.estimate.cap)
                continue
            except RpcError as error:
                self.refusals[way.name] = str(error)
                return None
            sample = Sample(last - first + 1, len(logs), self.node.endpoint.bytes_in - before, monotonic() - began)
            self.samples.append(sample)
            return sample
        return None

    def cap(self, way: Way) -> int:
        """The largest range that the node may take, as far as it has said."""
        return self.caps.get(way.name, way.estimate.cap)

    def look_for_cap(self, stretch: Stretch, way: Way, density: float, longest: int) -> None:
        """Ask for the range that the loop would come to, so that a limit of the node's is known."""
        learned = self.ways[way.name]
        size = min(reach(density, self.cap(way), longest), stretch.until - stretch.at + 1)
        if size > max((sample.blocks for sample in self.samples), default=0):
            learned.estimate.blocks = size
            self.ask(learned, way.questions[0], stretch.at, stretch.until)
