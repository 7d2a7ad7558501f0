"""Every page of the admin stays under fifteen statements, whatever it lists, and counts no big table."""

import pytest
from django.contrib.auth.models import Group, User

from indexer.access.models import ApiKey
from indexer.chains.connections import Connection
from indexer.chains.models import Chain
from tests.people import LogIn
from tests.positions.admin_rows import PATHS, fill
from tests.positions.lookup_rows import USER_EIP55, statements

MOST = 15


@pytest.fixture
def jobs(chain: Chain, connection: Connection, log_in: LogIn) -> list[int]:
    return fill(connection)


def test_every_page_of_fifty_rows_costs_few_statements(log_in: LogIn, jobs: list[int], chain: Chain) -> None:
    client = log_in("administrator")
    rows = (
        f"/admin/positions/job/{jobs[0]}/change/",
        f"/admin/positions/job/{jobs[0]}/rescan/",
        f"/admin/access/apikey/{ApiKey.objects.all()[0].pk}/change/",
        f"/admin/auth/user/{User.objects.get().pk}/change/",
        f"/admin/auth/user/{User.objects.get().pk}/password/",
        f"/admin/auth/group/{Group.objects.all()[0].pk}/change/",
        f"/admin/chains/chain/{chain.pk}/change/",
    )
    costs = {}
    for path in PATHS + rows:
        with statements() as sent:
            response = client.get(path, follow=False)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        costs[path] = sent
    with statements() as sent:
        assert client.post("/admin/lookup/", {"address": USER_EIP55}).status_code == 200
    costs["look up"] = sent
    dear = {path: sent for path, sent in costs.items() if len(sent) >= MOST}
    assert not dear, "\n".join(sql[:150] for sent in dear.values() for sql in sent)


def test_no_page_counts_a_whole_table(log_in: LogIn, jobs: list[int]) -> None:
    client = log_in("administrator")
    with statements() as sent:
        for path in PATHS:
            client.get(path)
    # What is bounded is counted in a subquery that has a LIMIT.
    counts = [sql for sql in sent if "COUNT(*)" in sql and "LIMIT" not in sql]
    assert not [sql for sql in counts if '"jobs"' in sql or '"segments"' in sql or '"audit"' in sql], counts
