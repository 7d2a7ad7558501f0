"""Line charts as small SVG files, readable on light and on dark pages. Pure: values in, text out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLORS = ("#2f81f7", "#d29922", "#3fb950", "#db61a2", "#a371f7", "#f0883e", "#8b949e", "#39c5cf")
"""Of enough contrast with white and with black alike; all other ink is one grey that has it, too."""
INK = "#7d8590"


class Line(NamedTuple):
    """One series: its name, and points of (x, y)."""

    name: str
    points: list[tuple[float, float]]


class Axis(NamedTuple):
    """From `low` to `high`, with `ticks`; by orders of magnitude if `log`."""

    low: float
    high: float
    ticks: list[float]
    log: bool

    def place(self, value: float) -> float:
        """Where a value lies: 0 at the low end, 1 at the high one."""
        if self.log:
            return (math.log10(max(value, self.low)) - math.log10(self.low)) / math.log10(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def scale(values: Sequence[float], *, log: bool) -> Axis:
    """An axis that holds all the values. On one by orders of magnitude zero lies at the low end."""
    if log:
        positive = [value for value in values if value > 0] or [1.0]
        low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
        high = max(high, low + 1)
        return Axis(10.0**low, 10.0**high, [10.0**power for power in range(low, high + 1)], log=True)
    highest = max([*values, 0.0]) or 1.0
    step = 10.0 ** math.floor(math.log10(highest))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if highest / (step * part) <= 6)
    count = math.ceil(highest / step)
    return Axis(0.0, count * step, [number * step for number in range(count + 1)], log=False)


def short(value: float) -> str:
    """20000 as 20k, 1e8 as 100M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def draw(
    title: str, x_title: str, y_title: str, lines: Sequence[Line], *, log_x: bool = False, log_y: bool = False
) -> str:
    """The chart as SVG."""
    points = [point for line in lines for point in line.points]
    across, up = scale([x for x, _ in points], log=log_x), scale([y for _, y in points], log=log_y)

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            LEFT + across.place(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up.place(y) * (HEIGHT - TOP - BOTTOM),
        )

    parts = [text(WIDTH / 2, 20, title, "middle", size=15)]
    for tick in up.ticks:
        _, y = at(across.low, tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{INK}" stroke-opacity=".3"/>')
        parts.append(text(LEFT - 8, y + 4, short(tick), "end"))
    for tick in across.ticks:
        x, _ = at(tick, up.low)
        parts.append(f'<path d="M{x:.1f} {HEIGHT - BOTTOM}v5" stroke="{INK}"/>')
        parts.append(text(x, HEIGHT - BOTTOM + 20, short(tick), "middle"))
    parts.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_title, "middle"))
    parts.append(text(LEFT, 36, y_title, "start"))
    for number, line in enumerate(lines):
        color = COLORS[number % len(COLORS)]
        places = [at(x, y) for x, y in sorted(line.points)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in places]
        parts.append(text(WIDTH - RIGHT - 6, TOP + 16 + 16 * number, line.name, "end", color=color))
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">\n{body}\n</svg>\n'


def text(x: float, y: float, words: str, anchor: str, *, size: int = 12, color: str = INK) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}"'
    return f"<text {place}>{escape(words)}</text>"
