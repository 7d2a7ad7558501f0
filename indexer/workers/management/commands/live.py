"""See and change live settings."""

from argparse import ArgumentParser
from typing import Any

from indexer.access.audit import shell_actor
from indexer.chains.command import FootprintCommand
from indexer.workers.live import LiveError
from indexer.workers.live_changes import Outcome, history, reset, roll_back, set_value, show_step, show_stored
from indexer.workers.live_known import known_or_none, known_setting, known_settings
from indexer.workers.models import LiveChange, LiveValue

SHOWN_CHANGES = 20


class Command(FootprintCommand):
    help = (
        "Live settings: what can be changed while everything runs. Every process has a change within seconds, without "
        "a restart. A worker's flag is the setting worker.NAME."
    )
    expected = (*FootprintCommand.expected, LiveError)

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB", help="what to do")
        verbs.add_parser("list", help="all settings with their values")
        shown = verbs.add_parser("show", help="one setting: its value, its bounds, and who changed it last")
        shown.add_argument("name")
        to_set = verbs.add_parser("set", help="give a setting a value")
        to_set.add_argument("name")
        to_set.add_argument("value", help="on or off, a number, or a text; `live show NAME` says what is right")
        to_reset = verbs.add_parser("reset", help="give a setting its default again")
        to_reset.add_argument("name")
        past = verbs.add_parser("history", help="who changed what, when and why, newest first")
        past.add_argument("name", nargs="?")
        past.add_argument("-n", type=int, default=SHOWN_CHANGES, help=f"changes shown (default: {SHOWN_CHANGES})")
        back = verbs.add_parser("rollback", help="give a setting the value that it had before a change")
        back.add_argument("change", type=int, help="the change's number, as `live history` shows it")
        for changing in (to_set, to_reset, back):
            changing.add_argument("--why", default="", help="the reason; needed where workers are to rest")

    def handle(self, *args: Any, **options: Any) -> None:
        match options["verb"]:
            case "list":
                self.list_all()
            case "show":
                self.show(options["name"])
            case "history":
                for change in history(options["name"])[: max(0, options["n"])]:
                    self.stdout.write(line_of(change))
            case "set":
                self.say(set_value(options["name"], options["value"], actor=shell_actor(), why=options["why"]))
            case "reset":
                self.say(reset(options["name"], actor=shell_actor(), why=options["why"]))
            case "rollback":
                self.say(roll_back(options["change"], actor=shell_actor(), why=options["why"]))

    def say(self, outcome: Outcome) -> None:
        number = f" (change {outcome.change.pk})" if outcome.change else ""
        self.stdout.write(f"{outcome.words}{number}")

    def list_all(self) -> None:
        """Every declared setting, every flag that somebody has set, and what is left of settings that are no more."""
        values = dict(LiveValue.objects.values_list("name", "value"))
        names = sorted({setting.name for setting in known_settings()} | set(values))
        width = max(map(len, names))
        for name in names:
            setting = known_or_none(name)
            meaning = setting.meaning if setting else f"nobody declares it any more: `live reset {name}` forgets it"
            self.stdout.write(f"{name:<{width}}  {show_stored(name, values.get(name))}: {meaning}")

    def show(self, name: str) -> None:
        setting = known_setting(name)
        held = LiveValue.objects.filter(name=name).first()
        self.stdout.write(f"{name} is {show_stored(name, held.value if held else None)}")
        self.stdout.write(f"  {setting.meaning}")
        self.stdout.write(f"  {setting.wanted}; the default is {setting.show(setting.default)}")
        newest = history(name).first()
        if newest is not None:
            self.stdout.write(f"  {line_of(newest)}")


def line_of(change: LiveChange) -> str:
    """A change in a line: its number, when, who, what and why."""
    old, new = show_step(change)
    why = f": {change.why}" if change.why else ""
    return f"{change.pk}  {change.at:%Y-%m-%d %H:%M:%S} UTC  {change.actor}  {change.name}  {old} → {new}{why}"
