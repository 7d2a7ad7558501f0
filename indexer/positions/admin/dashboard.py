"""The first page of the admin: every chain on a card, and what needs somebody's eyes."""

from typing import Any

from django.http import HttpRequest

from indexer.access.labels import show
from indexer.chains.picker import chains_of
from indexer.positions.admin.chains import checked_html, lag_text, number
from indexer.positions.admin.present import levels_text, progress_html
from indexer.positions.admin.standing import Standing, stand
from indexer.positions.admin.states import CHAIN_STATES, JOB_STATES


def fill(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the template needs; nothing of the chains for somebody without a role."""
    permitted = request.user.has_perm("positions.view_job")
    cards = [card(standing) for standing in stand(chains_of(request))] if permitted else []
    return context | {"title": "Dashboard", "cards": cards, "permitted": permitted}


def card(standing: Standing) -> dict[str, Any]:
    return {
        "slug": standing.chain.slug,
        "name": standing.name,
        "state": show(standing.state, CHAIN_STATES),
        "facts": [
            ("Head", number(standing.head)),
            ("Processed", number(standing.cursor)),
            ("Final", number(standing.final)),
            ("Lag", lag_text(standing)),
        ],
        "past": progress_html(standing.past_read, standing.past_total) if standing.past_total else None,
        "checked": checked_html(standing),
        "levels": levels_text(standing.levels),
        "updated_at": standing.updated_at,
        "jobs": [
            {"state": state.value, "label": show(state.value, JOB_STATES), "count": f"{standing.jobs[state.value]:,}"}
            for state in JOB_STATES
            if state.value in standing.jobs
        ],
        "troubles": troubles(standing),
    }


def troubles(standing: Standing) -> list[str]:
    """What somebody should look at, a sentence each."""
    said = []
    if standing.state == "stalled":
        said.append("no block processed for too long")
    if aside := standing.jobs.get("put aside"):
        said.append(f"{counted(aside, 'job')} put aside with an error")
    if standing.unreadable:
        said.append(f"{counted(standing.unreadable, 'job')} with unreadable logs")
    if standing.failing_segments:
        said.append(f"{counted(standing.failing_segments, 'segment')} that could not be read yet")
    return said


def counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
