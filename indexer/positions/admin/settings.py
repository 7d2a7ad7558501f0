"""The chain's own state, which the protocol keeps: shown and explained, never edited."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from indexer.positions.admin.base import ChainModelAdmin
from indexer.positions.admin.present import levels_text
from indexer.positions.models import Setting
from indexer.positions.protocol.state import (
    COVERAGE,
    CURSOR,
    FINAL,
    HEAD,
    LEFT_VERSION,
    LEVELS,
    REWIND,
    TROUBLE,
    WATCH_VERSION,
)
from indexer.positions.standing import read_levels


class Explained(NamedTuple):
    key: str
    label: str
    meaning: str


EXPLAINED = (
    Explained(HEAD, "Head", "The newest block that the node has shown."),
    Explained(CURSOR, "Processed", "The latest loop has read every block up to this one: what answers are true for."),
    Explained(
        FINAL, "Final", "The chain will not take this block back. The historic loop reads up to here, never further."
    ),
    Explained(
        WATCH_VERSION,
        "Watch version",
        "Counts changes of what is watched; blocks matched under an older one are read again.",
    ),
    Explained(REWIND, "Reorgs undone", "How many reorgs were undone, and the block that the last one went back to."),
    Explained(COVERAGE, "Coverage", "Whether every enabled job is read from its floor on; how many contracts are not."),
    Explained(TROUBLE, "Trouble", "Why the latest loop gets no answer of its endpoints, while it gets none."),
    Explained(LEVELS, "Levels", "How many blocks were read at which level; the weakest is never left out."),
    Explained(
        LEFT_VERSION,
        "Left version",
        "The watch version at which a job last left the latest loop: what was read before is not comparable any more.",
    ),
)
BY_KEY = {explained.key: explained for explained in EXPLAINED}


@admin.register(Setting)
class SettingAdmin(ChainModelAdmin):
    list_display = ("label", "shown_value", "meaning", "updated_at")
    list_display_links = None
    sortable_by = ()
    ordering = ("key",)

    @admin.display(description="what")
    def label(self, setting: Setting) -> SafeString:
        explained = BY_KEY.get(setting.key)
        return format_html(
            '<b>{}</b><div class="fp-muted">{}</div>', explained.label if explained else setting.key, setting.key
        )

    @admin.display(description="value")
    def shown_value(self, setting: Setting) -> str:
        return write_value(setting.key, setting.value)

    @admin.display(description="meaning")
    def meaning(self, setting: Setting) -> SafeString | str:
        explained = BY_KEY.get(setting.key)
        return format_html('<div class="fp-words">{}</div>', explained.meaning) if explained else "–"


def write_value(key: str, value: Any) -> str:
    """A setting's value in words; block numbers with their commas."""
    if value is None:
        return "none" if key == TROUBLE else "not yet known"
    if isinstance(value, int):
        return f"{value:,}"
    if key == REWIND and isinstance(value, dict):
        ancestor = value.get("ancestor")
        return f"{value.get('count', 0):,}" + (f", last to block {ancestor:,}" if ancestor is not None else "")
    if key == COVERAGE and isinstance(value, dict):
        count = value.get("check_also_count", 0)
        return "complete" if value.get("complete") else f"incomplete, {count:,} contracts to check"
    if key == TROUBLE and isinstance(value, dict):
        return f"{value.get('words')}, since {value.get('since')}"
    if key == LEVELS and isinstance(value, dict):
        return levels_text(read_levels(value)) or "nothing read yet"
    return str(value)
