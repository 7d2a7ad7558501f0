"""The admin shows what each endpoint bears in words, and an operator has it found out anew."""

from indexer.access.models import AuditEntry
from indexer.chains.models import Chain, EndpointLimits
from tests.people import LogIn

PAGE = "/admin/chains/endpointlimits/"
LEARNED = {
    "blocks": 10_000,
    "batch": 20,
    "rate": 12.5,
    "pruned_below": 15_537_394,
    "log_delay": 2,
    "range_size": {"by topic": 2000},
    "off": {"eth_getBlockReceipts": 1_800_000_000.0},
}


def fill(chains: list[Chain]) -> list[int]:
    return [
        EndpointLimits.objects.create(chain=chains[0], label="alchemy-1", limits=LEARNED).pk,
        EndpointLimits.objects.create(chain=chains[0], label="local-2", limits={}).pk,
        EndpointLimits.objects.create(chain=chains[1], label="infura-1", limits={"rate": 3}).pk,
    ]


def test_it_is_written_as_people_say_it(chains: list[Chain], log_in: LogIn) -> None:
    fill(chains)
    page = log_in("viewer").get(PAGE).content.decode()
    for text in (
        "alchemy-1 of hilltop",
        "up to 10,000 blocks a range",
        "up to 20 calls a batch",
        "about 12.5 requests a second",
        "no history below block 15,537,394",
        "logs come 2 blocks behind its head",
        "2,000 blocks worked last by topic",
        "eth_getBlockReceipts is not served, as of 2027-01-15 08:00 UTC",
        "nothing yet",
        "infura-1 of seaside",
    ):
        assert text in page


def test_an_operator_has_it_found_out_anew(chains: list[Chain], log_in: LogIn) -> None:
    rows = fill(chains)
    client = log_in("operator")
    AuditEntry.objects.all().delete()
    form = {"action": "forget_learned", "_selected_action": [rows[0], rows[2]]}
    page = client.post(PAGE, form, follow=True).content.decode()
    assert "2 endpoints: found out anew within a minute." in page
    assert "to be forgotten: its worker finds everything out anew" in page
    assert dict(EndpointLimits.objects.values_list("label", "forget")) == {
        "alchemy-1": True,
        "local-2": False,
        "infura-1": True,
    }
    assert set(AuditEntry.objects.values_list("action", "chain", "target", "outcome")) == {
        ("forget limits", "hilltop", "alchemy-1", "done"),
        ("forget limits", "seaside", "infura-1", "done"),
    }


def test_a_viewer_changes_nothing(chains: list[Chain], log_in: LogIn) -> None:
    rows = fill(chains)
    client = log_in("viewer")
    client.post(PAGE, {"action": "forget_learned", "_selected_action": rows})
    for path in (f"{PAGE}add/", f"{PAGE}{rows[0]}/delete/"):
        assert client.get(path).status_code == 403
    assert client.post(f"{PAGE}{rows[0]}/change/", {"label": "other"}).status_code == 403
    assert not EndpointLimits.objects.filter(forget=True).exists()
    assert not EndpointLimits.objects.filter(label="other").exists()
