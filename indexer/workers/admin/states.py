"""The states of workers as pages show them."""

from indexer.access.labels import Shown
from indexer.workers.states import MEANINGS, State

COLOURS = {
    State.HEALTHY: "good",
    State.STARTING: "info",
    State.DEGRADED: "warn",
    State.OUT_OF_BUDGET: "warn",
    State.HUNG: "bad",
    State.CRASHED: "bad",
    State.MISCONFIGURED: "bad",
    State.STOPPED_BY_FLAG: "plain",
    State.STOPPED: "plain",
}
WORKER_STATES = tuple(Shown(state, state, colour, MEANINGS[state]) for state, colour in COLOURS.items())
"""In the order in which they are counted on top of the page."""
