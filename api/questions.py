"""What is asked for, as paths and queries say it: parameters, addresses and chains."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from http import HTTPStatus

from django.http import QueryDict

from api.problems import Fault, Problem, wrong
from indexer.chains.models import Chain
from indexer.positions.address import parse_address

CHAINS = "chains by name with commas between"
"""What the parameter `chain` is."""
MOST_FAULTS = 10
"""More wrong parameters than this are counted and not named: a query may hold a thousand."""


def read_plain(query: QueryDict, meanings: Mapping[str, str]) -> dict[str, str]:
    """The parameters by name, for the lean views: forms, which the others declare theirs by, cost too much there.

    `meanings` says what each is. Raises Problem naming every one that is unknown, given twice or empty.
    """
    refuse(list(find_faults(query, meanings)))
    return {name: str(value) for name, value in query.items()}


def find_faults(query: QueryDict, meanings: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with the parameters whatever they mean: each must be known, given once, and not empty."""
    for name, values in query.lists():
        if name not in meanings:
            known = ", ".join(meanings) or "none"
            yield Fault(f"Unknown parameter {shorten(name)}. Known are: {known}.", parameter=name[:60])
        elif len(values) > 1:
            yield Fault(f"{name} is given more than once: give it once, {meanings[name]}.", parameter=name)
        elif not str(values[0]).strip():
            yield Fault(f"{name} is empty: leave it out, or say {meanings[name]}.", parameter=name)


def refuse(faults: Sequence[Fault]) -> None:
    """Raises Problem, a 400 naming what is wrong with the parameters, if anything is."""
    if faults:
        more = f" And {len(faults) - MOST_FAULTS:,} more." if len(faults) > MOST_FAULTS else ""
        named = faults[:MOST_FAULTS]
        raise Problem(HTTPStatus.BAD_REQUEST, " ".join(fault.detail for fault in named) + more, named)


def wrong_parameter(name: str, detail: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, detail, [Fault(detail, parameter=name)])


def read_address(text: str) -> bytes:
    """The address of a path, in any case."""
    try:
        return parse_address(text, strict=False)
    except ValueError as error:
        raise wrong(f"{shorten(text)} in the path is {error}.") from None


def find_chain(known: Sequence[Chain], slug: str) -> Chain:
    """The chain of a path. Raises Problem, a 404 naming those there are."""
    for chain in known:
        if chain.slug == slug:
            return chain
    raise Problem(HTTPStatus.NOT_FOUND, f"There is no chain {shorten(slug)}. {name_known(known)}")


def choose_chains(known: Sequence[Chain], names: str | None) -> Sequence[Chain]:
    """The chains of the parameter `chain`, in the order of those known; all of them where it is not given."""
    if names is None:
        return known
    slugs = {slug.strip() for slug in names.split(",")}
    if "" in slugs:
        raise wrong_parameter("chain", f"chain has an empty name in it: {CHAINS}, or leave it out for all chains.")
    unknown = unknown_chains(known, slugs)
    if unknown:
        raise wrong_parameter("chain", unknown)
    return [chain for chain in known if chain.slug in slugs]


def unknown_chains(known: Sequence[Chain], slugs: Collection[str]) -> str:
    """A sentence that names those of these chains which are not known; empty if there are none."""
    unknown = sorted(set(slugs) - {chain.slug for chain in known})
    named = ", ".join(map(shorten, unknown[:MOST_FAULTS]))
    return f"Unknown chain {named}. {name_known(known)}" if unknown else ""


def name_known(known: Sequence[Chain]) -> str:
    return f"Known are: {', '.join(chain.slug for chain in known) or 'none yet'}."


def shorten(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
