"""An import is a number of statements that does not grow with its list: not one for each entry."""

from benchmarks.jobs import import_list, made_up_list
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.positions.racing import Gate, open_gated

MOST = 20
"""BEGIN and COMMIT among them; the entries themselves are one COPY."""


def statements(chain: Chain, connection: Connection, entries: int) -> list[str]:
    # A gate that never closes counts what passes it.
    gate = Gate(-1)
    with open_gated(connection, gate) as counted:
        import_list(counted, made_up_list(chain, [], entries), 0)
    return gate.steps


def test_a_list_of_any_length_takes_the_same_statements(chain: Chain, connection: Connection) -> None:
    few = statements(chain, connection, 2)
    many = statements(chain, connection, 500)
    assert many == few
    assert len(few) <= MOST


def test_importing_the_same_again_takes_fewer(chain: Chain, connection: Connection) -> None:
    first = statements(chain, connection, 20)
    again = statements(chain, connection, 20)
    assert len(again) < len(first)
