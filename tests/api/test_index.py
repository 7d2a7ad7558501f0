"""The way in: / names what there is, and what it names answers."""

from django.test import Client

from tests.positions.lookup_rows import USER_EIP55


def test_the_index_names_paths_that_answer(client: Client) -> None:
    links = client.get("/").json()["links"]
    assert client.get(links["lookup"].format(address=USER_EIP55)).status_code == 200
    path = links["lookup on some chains"].format(address=USER_EIP55, chain="seaside")
    assert client.get(path).status_code == 200
    many = client.post(
        links["lookup of up to 1,000 addresses (POST)"], {"addresses": [USER_EIP55]}, content_type="application/json"
    )
    assert many.status_code == 200
    assert "data" in client.get(links["lookup in the shape of the model system"].format(address=USER_EIP55)).json()
    for name in ("chains", "jobs", "pools", "workers", "what is watched", "schema", "documentation"):
        assert client.get(links[name].format(chain="seaside")).status_code == 200, name
    pool = client.get(links["addresses of a pool"].format(chain="seaside", contract=USER_EIP55))
    assert "is not watched on seaside" in pool.json()["detail"]
    assert "chains" in client.get(links["health"]).json()
    assert b"django_http_requests_total_by_method" in client.get(links["metrics"]).content
