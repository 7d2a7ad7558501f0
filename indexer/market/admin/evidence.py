"""The contracts of a pool with every piece of evidence, and how the confidence comes."""

from uuid import UUID

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from indexer.market.admin.present import confidence_html
from indexer.market.answers.mappings import Evidence, Mapping, mapping_by_id, mappings_of
from indexer.market.explaining import show

MOST = 10_000
"""Characters of a value: more than any call or address has."""


def mappings_html(pool: UUID) -> SafeString:
    return render(mappings_of(pool))


def mapping_html(mapping: int) -> SafeString:
    found = mapping_by_id(mapping)
    return render([found] if found else [])


def render(mappings: list[Mapping]) -> SafeString:
    shown = [
        {
            "mapping": mapping,
            "confidence": confidence_html(mapping.confidence, refuted=mapping.refuted),
            "evidence": [(each, seen(each)) for each in mapping.evidence],
        }
        for mapping in mappings
    ]
    return render_to_string("market/admin/evidence.html", {"mappings": shown})


def seen(evidence: Evidence) -> str:
    """What exactly was seen, a line for each part."""
    return "\n".join(line for name, value in evidence.detail.items() for line in show(name, value, 0, MOST))
