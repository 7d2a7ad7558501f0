"""Segments that are put aside can be freed at once; the others are left as they are."""

from indexer.access.models import AuditEntry
from indexer.chains.connections import Connection
from tests.people import LogIn
from tests.positions.admin_rows import fill

SEGMENTS = "/admin/positions/segment/"


def aside(connection: Connection) -> list[int]:
    rows = connection.execute("SELECT id FROM segments WHERE next_attempt > now() ORDER BY id")
    return [segment for (segment,) in rows.fetchall()]


def every(connection: Connection) -> list[int]:
    return [segment for (segment,) in connection.execute("SELECT id FROM segments ORDER BY id").fetchall()]


def test_an_operator_frees_segments_that_are_put_aside(connection: Connection, log_in: LogIn) -> None:
    fill(connection, rows=3)
    AuditEntry.objects.all().delete()
    held = connection.execute("SELECT id, owner, lease_until FROM segments WHERE owner IS NOT NULL").fetchall()
    waiting = aside(connection)
    assert waiting
    client = log_in("operator")
    form = {"chain": "hilltop", "action": "try_now", "_selected_action": every(connection)}
    page = client.post(SEGMENTS, form, follow=True).content.decode()
    assert "1 segments are free for the next historic loop." in page
    assert aside(connection) == []
    assert connection.execute("SELECT id, owner, lease_until FROM segments WHERE owner IS NOT NULL").fetchall() == held
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.outcome) == ("try segments", f"segments {waiting[0]}", "1 free at once")
    assert "None of them is put aside." in client.post(SEGMENTS, form, follow=True).content.decode()


def test_a_viewer_sees_errors_and_frees_nothing(connection: Connection, log_in: LogIn) -> None:
    fill(connection, rows=3)
    client = log_in("viewer")
    page = client.get(f"{SEGMENTS}?state=put+aside").content.decode()
    assert "local-1 answered nothing for 30 s" in page
    assert "(3 attempts, next 20" in page
    form = {"chain": "hilltop", "action": "try_now", "_selected_action": every(connection)}
    client.post(SEGMENTS, form)
    assert len(aside(connection)) == 1
