"""How a pool finds its head and what most of its endpoints call canonical: whom it polls, when, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial

from indexer.rpc.asking import Asking
from indexer.rpc.errors import BlockUnknown, Inconsistent, NullRound, RpcError
from indexer.rpc.heads import majority_block, majority_head
from indexer.rpc.member import ANY, Member, Need, Owed
from indexer.rpc.node import Node
from indexer.rpc.together import Together
from indexer.rpc.types import Header

POLL_OTHERS = 5.0
"""Seconds after which all endpoints are asked for their heads though the one in use shows no new block."""


def find_head(pool: Asking) -> Header:
    """Return the header of the head that is believed. Raises RpcError."""
    watch = pool.heads
    first, header = ask_first(pool)
    if watch.leaps(header):
        # Once may be a gateway's slip, and a head that never was makes blocks final too soon.
        again = ask_first(pool)
        first, header = again if again[1].number < header.number else (first, header)
    if watch.is_new(header) or pool.clock() - watch.polled_at >= POLL_OTHERS:
        watch.polled_at = pool.clock()
        poll_others(pool, first)
    return settle(pool, find_majority_header(pool, first, header))


def ask_first(pool: Asking) -> tuple[Member, Header]:
    """Return the head of the endpoint in use, or of another where that one takes long or fails."""
    if pool.hedge_after is not None and pool.parallel and len(pool.members) > 1:
        member = pool.choose()
        together: Together[str, Header] = Together()
        first = Owed(member.record, partial(member.poll, pool.clock))
        together.ask(member.label, first)
        asked = {member.label: member}
        for label, answer in together.gather(pool.hedge_after):
            if not isinstance(answer, RpcError):
                return asked[label], answer
        # Where there is no second one, the first may still answer.
        with suppress(RpcError):
            second = pool.choose(but={member.label})
            asked[second.label] = second
            together.ask(second.label, partial(second.poll, pool.clock))
        for label, answer in together.gather():
            if not isinstance(answer, RpcError):
                first.give_up()
                return asked[label], answer
    return pool.ask_member(lambda member: (member, member.poll(pool.clock)))


def poll_others(pool: Asking, first: Member) -> None:
    """Ask the other endpoints for their heads; those that fail or take long do not count."""
    usable = {member.label for member in pool.usable()}
    others = [member for member in pool.members if member.label != first.label]
    for member in others:
        if member.label not in usable:
            member.record.answers = False
    questions = {member: partial(poll, pool, member) for member in others if member.label in usable}
    if pool.parallel:
        pool.ask_together(questions, pool.patience)
    else:
        for question in questions.values():
            question()


def poll(pool: Asking, member: Member) -> None:
    """A failure is no loss: the endpoint does not count then, and its gate has noted why."""
    with suppress(RpcError):
        member.poll(pool.clock)


def find_majority_header(pool: Asking, first: Member, header: Header) -> Header:
    """Return the header of the highest block that more than half of the answering endpoints have reached, of several at
    its height the one that most of them show.

    Where half of them have stalled, the other half decides: two endpoints of which one hangs must not stop the chain.
    """
    now = pool.clock()
    answering = [member.record for member in pool.members if member.record.answers and member.record.breaker.closed]
    top = max((record.head for record in answering if record.head is not None), default=header.number)
    moving = [record for record in answering if not record.stalls(top, now)]
    if 2 * len(moving) < len(answering):
        moving = answering
    heads = [record.head for record in moving if record.head is not None]
    number = majority_head(heads) if heads else header.number
    tips = [tip for record in moving if record.head == number and (tip := record.tips.get(number)) is not None]
    votes = Counter(tip.hash for tip in tips)
    most = max(tips, key=lambda tip: votes[tip.hash], default=None)
    if number == header.number and (most is None or votes[most.hash] == votes[header.hash]):
        return header
    if most is not None:
        return most
    found = find_header(pool, lambda node: node.header(number), Need(last=number))
    if found is None:
        raise BlockUnknown(f"most endpoints have reached block {number:,}, and none gives it")
    return found


def settle(pool: Asking, header: Header) -> Header:
    """Return the head to believe when the majority's is this one."""
    watch = pool.heads
    believed = watch.note(header)
    doubt = watch.doubt(header)
    if doubt is None:
        return believed
    number, seen = doubt
    block = header if number in (-1, header.number) else find_canonical(pool, number)
    if number == -1 or (block is not None and block.hash != seen):
        watch.believe(header)
        return header
    return believed


def find_canonical(pool: Asking, block: int | str) -> Header | None:
    """See EndpointPool.canonical."""
    if not isinstance(block, str):
        answers = collect(pool, block, Need(last=block))
        if disagree(answers.values()) and pool.doubt(answers):
            answers = collect(pool, block, Need(last=block))
        return majority_block(answers, block)
    answers = collect(pool, block, ANY)
    number = majority_head([-1 if header is None else header.number for header in answers.values()])
    if number == -1:
        return None
    same = {
        label: header if header is not None and header.number == number else None for label, header in answers.items()
    }
    try:
        found = majority_block(same, number)
    except Inconsistent:
        found = None
    return found or find_canonical(pool, number)


def disagree(headers: Iterable[Header | None]) -> bool:
    """Whether different blocks are given for one number."""
    return len({header.hash for header in headers if header is not None}) > 1


def find_canonicals(pool: Asking, numbers: Sequence[int]) -> list[Header | None]:
    """See EndpointPool.canonicals."""
    answers: dict[str, list[Header | None]] = {}
    for member, answer in pool.ask_all(lambda node: node.headers(numbers), ANY, patience=pool.patience):
        if not isinstance(answer, RpcError):
            answers[member.label] = answer
    if not answers:
        answers = pool.ask_member(lambda member: {member.label: member.node.headers(numbers)}, ANY)
    return [
        majority_block({label: headers[place] for label, headers in answers.items()}, number)
        for place, number in enumerate(numbers)
    ]


def find_header(pool: Asking, question: Callable[[Node], Header | None], need: Need) -> Header | None:
    """Return the header that some endpoint gives; None when nobody has it."""

    def ask(node: Node) -> Header:
        header = question(node)
        if header is None:
            raise BlockUnknown("null for a block", endpoint=node.endpoint.label)
        return header

    try:
        return pool.ask(ask, need)
    except BlockUnknown:
        return None


def collect(pool: Asking, block: int | str, need: Need) -> dict[str, Header | None]:
    """Return the header of every answering endpoint, None where it has none. Raises RpcError when nobody answers."""
    headers: dict[str, Header | None] = {}
    for member, answer in pool.ask_all(lambda node: node.header(block), need, patience=pool.patience):
        if isinstance(answer, BlockUnknown | NullRound):
            headers[member.label] = None
        elif not isinstance(answer, RpcError):
            headers[member.label] = answer
    if headers:
        return headers
    try:
        return pool.ask_member(lambda member: {member.label: member.node.header(block)}, need)
    except (BlockUnknown, NullRound):
        return {"nobody": None}
