"""How far what was read can be trusted."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """What the logs of a block were checked against, weakest first; kept in the database as these numbers.

    CLAIMED: one endpoint's word, checked in itself. AGREED: two endpoints gave the same. BLOOM: every log is in the
    header's bloom, and the bloom excludes every watched one that did not come. PROVED: the receipts root in the
    header was computed again from the receipts. In both of the latter the header's hash is that of its fields.
    """

    CLAIMED = 0
    AGREED = 1
    BLOOM = 2
    PROVED = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Level:
        """The level of this name, lower case. Raises ValueError naming those there are."""
        try:
            return cls[word.upper()]
        except KeyError:
            raise ValueError(f"{word!r} is no level; levels: {', '.join(level.word for level in cls)}") from None
