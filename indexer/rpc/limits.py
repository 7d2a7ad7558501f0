"""What was learned of one endpoint: plain numbers that survive a restart. Pure: times are passed in.

A limit only shrinks on evidence, and what can heal (a plan that was upgraded, an archive that was added) is forgotten
after a while, so that it is found out anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

HOUR = 3600.0
DAY = 24 * HOUR
OFF_FOR = 600.0
"""Seconds after which a method that was not served is asked for again: some providers say so of one that they serve."""
HEALS_AFTER: Mapping[str, float] = {
    "blocks": 7 * DAY,
    "logs": 7 * DAY,
    "addresses": 7 * DAY,
    "batch": 7 * DAY,
    "log_delay": HOUR,
    "pruned_below": HOUR,
}
"""Seconds after which a limit is forgotten unless it was met again."""


class Limits(msgspec.Struct):
    """What an endpoint bears; None where nothing was learned.

    `blocks` per range, `logs` per answer, `addresses` per filter, calls per `batch`, `log_delay` in blocks behind its
    head where logs are there, no history below block `pruned_below`, `rate` in requests per second. `off` has the
    methods it does not serve and since when (a form of one after a space: "eth_getLogs by topic"); `range_size` the
    blocks that worked last per way of asking; `learned` when each of the others was met last. Times are Unix seconds.
    """

    blocks: int | None = None
    logs: int | None = None
    addresses: int | None = None
    batch: int | None = None
    log_delay: int = 0
    pruned_below: int | None = None
    rate: float | None = None
    off: dict[str, float] = {}
    range_size: dict[str, int] = {}
    learned: dict[str, float] = {}

    def shrink(self, name: str, value: int, now: float) -> None:
        """Learn that no more than `value` (at least 1) is borne of blocks, logs, addresses or batch."""
        known: int | None = getattr(self, name)
        value = max(1, value)
        setattr(self, name, value if known is None else min(known, value))
        self.learned[name] = now

    def delay_logs(self, blocks: int, now: float) -> None:
        """Learn that logs were not there yet `blocks` behind the head that the endpoint showed."""
        self.log_delay = max(self.log_delay, blocks)
        self.learned["log_delay"] = now

    def prune(self, block: int, now: float) -> None:
        """Learn that this block's history is gone."""
        self.pruned_below = max(self.pruned_below or 0, block + 1)
        self.learned["pruned_below"] = now

    def switch_off(self, method: str, now: float) -> None:
        self.off[method] = now

    def serves(self, method: str, now: float) -> bool:
        """Whether `method`, which may name a form of one, is not known to be off."""
        return all(now - self.off.get(name, float("-inf")) >= OFF_FOR for name in {method, method.partition(" ")[0]})

    def forget_old(self, now: float) -> None:
        """Forget what may have healed."""
        for name, seconds in HEALS_AFTER.items():
            if name in self.learned and now - self.learned[name] >= seconds:
                del self.learned[name]
                setattr(self, name, 0 if name == "log_delay" else None)
        for method in [method for method, since in self.off.items() if now - since >= OFF_FOR]:
            del self.off[method]

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it, without what was not learned."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return {name: value for name, value in plain.items() if value not in (None, 0, {})}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Limits:
        """Read what `to_dict` gave; names nobody knows and values that do not fit are left out."""
        limits = cls()
        for field in msgspec.structs.fields(cls):
            try:
                value = msgspec.convert(stored.get(field.name, getattr(limits, field.name)), field.type)
            except msgspec.ValidationError:
                continue
            setattr(limits, field.name, value)
        return limits
