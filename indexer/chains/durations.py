"""How long something takes, or is ago, in few characters for people. Pure."""

UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))
UNKNOWN = "–"


def show_duration(seconds: float | None) -> str:
    """In the largest unit of which there are two: "4 s", "90 s", "5 min", "3 h", "4 d"; what is negative is 0 s."""
    if seconds is None:
        return UNKNOWN
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= 2 * size), (1, "s"))
    return f"{max(seconds, 0) / size:,.0f} {unit}"


def show_brief(seconds: float | None) -> str:
    """Of what may be over in no time: "0 ms", "340 ms", "2.5 s", and from ten seconds on as any other."""
    if seconds is None or seconds >= 10:
        return show_duration(seconds)
    return f"{max(seconds, 0) * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
