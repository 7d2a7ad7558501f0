"""Every way to misbehave, in one list."""

from collections.abc import Sequence

from tests.simulation.faults import Kind
from tests.simulation.lies import LIES
from tests.simulation.refusals import REFUSALS
from tests.simulation.wire import WIRES

KINDS: Sequence[Kind] = (*LIES, *REFUSALS, *WIRES)

BY_NAME = {kind.name: kind for kind in KINDS}
