"""The recording as one line, to scale: where picture, gaps, lost sound and markers are drawn. The template `timeline.svg` draws them."""

from __future__ import annotations

from dataclasses import dataclass, field

from bodycamd.municipality.report.report import Report

WIDTH, LEFT, TOP, HEIGHT = 1000.0, 10.0, 26.0, 22.0
LEAST_WIDTH = 1.5
"""So much is seen of what is shorter."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, in the units of the drawing."""

    x: str
    y: str
    width: str
    height: str
    colour: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """What is drawn; `markers` are places on the line, `length` the time from end to end as a reader writes it."""

    length: str
    bars: list[Bar] = field(default_factory=list)
    markers: list[str] = field(default_factory=list)
    width: str = f"{WIDTH:g}"
    height: str = f"{TOP + HEIGHT + 36:g}"
    left: str = f"{LEFT:g}"
    right: str = f"{WIDTH - LEFT:g}"
    mark_from: str = f"{TOP + HEIGHT:g}"
    mark_to: str = f"{TOP - 7:g}"
    text_y: str = f"{TOP + HEIGHT + 30:g}"


def timeline_picture(report: Report, length: str) -> Timeline | None:
    """The drawing; `None` where there is no footage."""
    facts = report.footage
    if facts.begins is None or facts.ends is None or facts.ends.boottime_us <= facts.begins.boottime_us:
        return None
    begins_us, length_us = facts.begins.boottime_us, facts.ends.boottime_us - facts.begins.boottime_us
    scale = (WIDTH - 2 * LEFT) / length_us

    def x(at_us: float) -> float:
        return LEFT + min(max(at_us - begins_us, 0), length_us) * scale

    def bar(at_us: int, for_us: int, y: float, height: float, colour: str) -> Bar:
        left = x(at_us)
        return Bar(f"{left:.1f}", f"{y:g}", f"{max(x(at_us + for_us) - left, LEAST_WIDTH):.1f}", f"{height:g}", colour)

    drawn = Timeline(length)
    drawn.bars.extend([bar(begins_us, length_us, TOP, HEIGHT, "#3c6e9f"), bar(begins_us, length_us, TOP + HEIGHT + 2, 8, "#7fa8cc")])
    drawn.bars.extend(bar(gap.at.boottime_us, gap.missing_us, TOP - 3, HEIGHT + 15, "#e5484d") for gap in facts.gaps)
    drawn.bars.extend(bar(lost.at.boottime_us, lost.duration_us, TOP + HEIGHT + 2, 8, "#e9a23b") for lost in facts.lost_sound)
    drawn.markers.extend(f"{x(marker.at.boottime_us):.1f}" for marker in report.story.markers)
    return drawn
