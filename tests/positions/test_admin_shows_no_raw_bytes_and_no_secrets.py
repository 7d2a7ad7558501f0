"""Whatever page: bytes are written as people write them, and no RPC URL or key is anywhere."""

import re

import pytest
from django.contrib.auth.models import User

from indexer.access.models import ApiKey
from indexer.chains.connections import Connection
from tests.people import LogIn
from tests.positions.admin_rows import PATHS, fill

RAW = re.compile(r"\bb&#x27;|\bb'|\\x[0-9a-f]{2}|memory at 0x|&lt;memory")


def test_every_page_is_free_of_raw_bytes_and_secrets(
    connection: Connection, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RPC_URLS_HILLTOP", "https://rpc.example/canary-of-an-rpc-url")
    jobs = fill(connection)
    client = log_in("superuser")
    key = ApiKey.objects.all()[0]
    paths = (
        *PATHS,
        *(f"/admin/positions/job/{job}/change/" for job in jobs[:6]),
        f"/admin/access/apikey/{key.pk}/change/",
        f"/admin/auth/user/{User.objects.get().pk}/change/",
    )
    for path in paths:
        page = client.get(path).content.decode()
        assert not RAW.search(page), path
        assert "canary-of-an-rpc-url" not in page, path
        assert bytes(key.sha256).hex() not in page, path
