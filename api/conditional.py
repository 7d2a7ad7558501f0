"""Answers with a tag: who asks again for what has not changed is told so before the database is asked."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from indexer.chains.models import Chain
from indexer.chains.profiles import block_time_of


def answer_tagged(
    request: HttpRequest, chains: Sequence[Chain], versions: Mapping[str, str], make: Callable[[], HttpResponse]
) -> HttpResponse:
    """304 where the asker has the answer of these versions of the chains; otherwise what `make` makes, with its tag.

    The versions are read before the answer, so a tag may be older than its answer, which costs one more answer, and
    never newer, which would hide a change.
    """
    tag = make_tag(chains, versions)
    response = HttpResponseNotModified() if matches(request, tag) else make()
    response.headers["ETag"] = tag
    kind = "public" if settings.PUBLIC_READ else "private"
    response.headers["Cache-Control"] = f"{kind}, max-age={shortest_block_time(chains)}"
    if not settings.PUBLIC_READ:
        # Who may read is decided by these; where everybody may, all get the same answer.
        patch_vary_headers(response, ("Authorization", "X-API-Key", "Cookie"))
    return response


def make_tag(chains: Sequence[Chain], versions: Mapping[str, str]) -> str:
    """Weak, since the same answer may be written in more than one way. It belongs to a URL, which names the rest."""
    state = "\n".join(f"{chain.slug} {versions[chain.slug]}" for chain in chains)
    return f'W/"{sha256(state.encode()).hexdigest()[:32]}"'


def matches(request: HttpRequest, tag: str) -> bool:
    """Whether If-None-Match names the tag, by RFC 9110's weak comparison, or any (*)."""
    asked = parse_etags(request.headers.get("If-None-Match", ""))
    return asked == ["*"] or tag.removeprefix("W/") in {known.removeprefix("W/") for known in asked}


def shortest_block_time(chains: Sequence[Chain]) -> int:
    """Whole seconds, one at least: until then the answer will hardly have changed."""
    return max(1, int(min((block_time_of(chain.slug, chain.chain_id) for chain in chains), default=1)))
