"""Live settings: what can be changed while everything runs, each with its type, its bounds and its meaning. Pure.

A setting is declared once, by the module that reads it:

    BATCH = declare(LiveSetting("prices.batch", 100, "pools asked for at once", least=1, most=1000))

Its type is that of its default. What somebody has set stands in the database: see `live_values` for reading it, and
`live_changes` for changing it. A flag is the live setting `worker.NAME`, which is on unless somebody switched it off.
"""

import re
from dataclasses import dataclass

from indexer.workers.near import hint_at

Value = bool | int | float | str

FLAG = "worker."
"""What the name of a flag begins with; the worker's name follows."""
LONGEST = 120
"""Characters of a name, as the table has them."""
LONGEST_TEXT = 1000
LARGEST = 2**53
"""Numbers beyond, on both sides, are no more what they were after a way through JSON."""
NAME = re.compile(r"[a-z0-9_]+(?:[.-][a-z0-9_]+)*")
SWITCHES = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
TYPES: dict[type, str] = {
    bool: "on or off",
    int: "a whole number",
    float: "a number",
    str: f"a text of at most {LONGEST_TEXT:,} characters",
}


class LiveError(Exception):
    """A live setting cannot be found, declared or set so; the text names it and says what would be right."""


@dataclass(frozen=True)
class LiveSetting:
    """A value that can be changed while everything runs. `default` holds where nobody has set another.

    `least` and `most` bound a number, both included; `choices`, where given, are all the texts that it may have.
    """

    name: str
    default: Value
    meaning: str
    unit: str = ""
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def type(self) -> type:
        return type(self.default)

    @property
    def is_flag(self) -> bool:
        return self.name.startswith(FLAG)

    @property
    def group(self) -> str:
        """What comes before the first dot of its name."""
        return self.name.partition(".")[0]

    @property
    def wanted(self) -> str:
        """What it may be, in words: "a number from 5 to 600 (s)"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        words = TYPES[self.type]
        if self.least is not None and self.most is not None:
            words += f" from {self.least:.10g} to {self.most:.10g}"
        elif self.least is not None:
            words += f" of at least {self.least:.10g}"
        elif self.most is not None:
            words += f" of at most {self.most:.10g}"
        return f"{words} ({self.unit})" if self.unit else words

    def check(self, value: object) -> Value:
        """The value in the setting's own type, such as 5.0 for 5; LiveError where it has another, or is out of bounds.

        A whole number is fine where a number is wanted, and 5.0 where a whole one is; True is neither.
        """
        found = self._typed(value)
        if found is None:
            raise self._refusal(value)
        if not isinstance(found, str | bool) and not (
            (self.least is None or found >= self.least) and (self.most is None or found <= self.most)
        ):
            raise self._refusal(value)
        if self.choices and found not in self.choices:
            raise self._refusal(value)
        return found

    def parse(self, text: str) -> Value:
        """The value that a person wrote on a command line or into a form; LiveError where it cannot be one."""
        text = text.strip()
        if self.type is bool:
            if text.lower() not in SWITCHES:
                raise self._refusal(text)
            return SWITCHES[text.lower()]
        if self.type is str:
            return self.check(text)
        try:
            return self.check(int(text))
        except ValueError:
            pass
        try:
            return self.check(float(text))
        except ValueError:
            raise self._refusal(text) from None

    def needs_reason(self, value: Value) -> bool:
        """Whether whoever sets this value must say why: where it makes workers rest, and others will ask."""
        return (self.is_flag and value is False) or (self.name == MAINTENANCE.name and value is True)

    def write(self, value: Value) -> str:
        """The value as `parse` reads it: "on", "15"."""
        if isinstance(value, bool):
            return "on" if value else "off"
        return f"{value:.10g}" if isinstance(value, float) else str(value)

    def show(self, value: Value) -> str:
        """The value as people read it: "on", "15 s"."""
        return f"{self.write(value)} {self.unit}" if self.unit else self.write(value)

    def _typed(self, value: object) -> Value | None:
        if self.type is bool or isinstance(value, bool):
            return value if self.type is bool and isinstance(value, bool) else None
        if self.type is str:
            return value if isinstance(value, str) and len(value) <= LONGEST_TEXT and "\0" not in value else None
        if not isinstance(value, int | float) or not -LARGEST <= value <= LARGEST:  # neither is NaN
            return None
        if self.type is float:
            return float(value)
        return int(value) if value == int(value) else None

    def _refusal(self, value: object) -> LiveError:
        return LiveError(f"{self.name} cannot be {value!r}: it is {self.wanted}")


DECLARED: dict[str, LiveSetting] = {}


def declare(setting: LiveSetting) -> LiveSetting:
    """Make the setting known. LiveError for one that is malformed, or known already with another content."""
    if not NAME.fullmatch(setting.name) or len(setting.name) > LONGEST:
        raise LiveError(
            f"{setting.name!r} cannot be the name of a live setting: small letters, digits and _, "
            f"with dots or dashes between, {LONGEST} characters at most"
        )
    if setting.type not in TYPES:
        raise LiveError(f"{setting.name} cannot have a default of type {setting.type.__name__}: bool, int, float, str")
    if setting.is_flag and setting.type is not bool:
        raise LiveError(f"{setting.name} is a worker's flag, and so it is on or off")
    if setting.choices and setting.type is not str:
        raise LiveError(f"{setting.name} has choices, and so its default is one of these texts")
    setting.check(setting.default)
    known = DECLARED.setdefault(setting.name, setting)
    if (known, known.type) != (setting, setting.type):
        raise LiveError(f"{setting.name} is declared twice, with different contents: declare it once, and import it")
    return known


def find(name: str) -> LiveSetting:
    """The setting of that name. Every worker has a flag; for any other unknown name LiveError, with near ones."""
    if name in DECLARED:
        return DECLARED[name]
    if name.startswith(FLAG) and NAME.fullmatch(name) and len(name) <= LONGEST:
        return flag_of(name.removeprefix(FLAG))
    hint = hint_at(name, DECLARED, otherwise="`manage.py live list` shows all")
    raise LiveError(f"there is no live setting {name!r}; {hint}")


def declared() -> list[LiveSetting]:
    """All that were declared, by name."""
    return [DECLARED[name] for name in sorted(DECLARED)]


def flag_of(worker: str) -> LiveSetting:
    """The flag of a worker, by the worker's name; one that nobody declared is on by default."""
    name = f"{FLAG}{worker}"
    return DECLARED.get(name) or LiveSetting(name, True, f"whether {worker} works")


MAINTENANCE = declare(
    LiveSetting("maintenance", False, "all workers rest, and nothing is changed over REST; lookups go on")
)
SILENT_AFTER = declare(
    LiveSetting(
        "workers.silent_after", 15.0, "a worker without a heartbeat for so long is hung or crashed", "s", 5, 600
    )
)
HUNG_AFTER = declare(
    LiveSetting("workers.hung_after", 120.0, "a worker without progress for so long is hung", "s", 5, 86_400)
)
ERROR_RATE = declare(
    LiveSetting("workers.error_rate", 0.5, "a worker is degraded when a larger share of its runs failed", "", 0, 1)
)
LAG = declare(LiveSetting("workers.lag", 600.0, "a worker that is further behind is degraded", "s", 1))
MEMORY_MB = declare(LiveSetting("workers.memory_mb", 500, "a worker with more memory is degraded", "MB", 10))
RESTARTS = declare(
    LiveSetting("workers.restarts", 5, "after so many without ten healthy minutes a person is asked", "", 1, 1000)
)
