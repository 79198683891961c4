"""The recording as one line, drawn to scale as SVG: picture, gaps, lost sound, markers."""

from __future__ import annotations

from bodycamd.municipality.report.report import Report

WIDTH, LEFT, TOP, HEIGHT = 1000.0, 10.0, 26.0, 22.0
_TEXT = 'font-family="DejaVu Sans, Arial, sans-serif" font-size="15" fill="#16202c"'


def timeline_picture(report: Report) -> str:
    """The drawing; empty where there is no footage."""
    facts = report.footage
    if facts.begins is None or facts.ends is None or facts.ends.boottime_us <= facts.begins.boottime_us:
        return ""
    begins_us, length_us = facts.begins.boottime_us, facts.ends.boottime_us - facts.begins.boottime_us
    scale = (WIDTH - 2 * LEFT) / length_us

    def x(at_us: float) -> float:
        return LEFT + min(max(at_us - begins_us, 0), length_us) * scale

    def bar(at_us: int, for_us: int, y: float, height: float, colour: str) -> str:
        left = x(at_us)
        width = max(x(at_us + for_us) - left, 1.5)
        return f'<rect x="{left:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" fill="{colour}"/>'

    shapes = [bar(begins_us, length_us, TOP, HEIGHT, "#3c6e9f"), bar(begins_us, length_us, TOP + HEIGHT + 2, 8, "#7fa8cc")]
    shapes += [bar(gap.at.boottime_us, gap.missing_us, TOP - 3, HEIGHT + 15, "#e5484d") for gap in facts.gaps]
    shapes += [bar(lost.at.boottime_us, lost.duration_us, TOP + HEIGHT + 2, 8, "#e9a23b") for lost in facts.lost_sound]
    for number, marker in enumerate(report.story.markers, 1):
        at = x(marker.at.boottime_us)
        shapes.append(f'<path d="M{at:.1f} {TOP + HEIGHT} V{TOP - 7:g}" stroke="#16202c" stroke-width="2.5"/>')
        shapes.append(f'<text x="{at:.1f}" y="14" text-anchor="middle" {_TEXT}>{number}</text>')
    bottom = TOP + HEIGHT + 30
    shapes.append(f'<text x="{LEFT:g}" y="{bottom:g}" {_TEXT}>0 s</text>')
    shapes.append(f'<text x="{WIDTH - LEFT:g}" y="{bottom:g}" text-anchor="end" {_TEXT}>{length_us / 1e6:.1f} s</text>')
    return f'<svg class="timeline" viewBox="0 0 {WIDTH:g} {bottom + 6:g}" role="img">{"".join(shapes)}</svg>'
