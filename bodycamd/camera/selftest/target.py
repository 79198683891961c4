"""The printed target for the technician's camera check: a square of large black and white blocks that looks different from each of its
sides and in a mirror, with straight edges for the focus and an arrow for the hand that holds it.
"""

from __future__ import annotations

BLOCKS = ("11110", "10000", "11101", "10000", "10010")
"""Row by row from the top, as one reads it: 0 is black, 1 is white."""
_SIDE_MM = 170
_LEFT_MM, _TOP_MM = 20, 40


def svg() -> str:
    """An A4 page, to be printed at 100 % in black on white paper."""
    block = _SIDE_MM / len(BLOCKS)
    squares = "".join(
        f'<rect x="{_LEFT_MM + x * block:g}" y="{_TOP_MM + y * block:g}" width="{block:g}" height="{block:g}"/>'
        for y, row in enumerate(BLOCKS)
        for x, level in enumerate(row)
        if level == "0"
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="210mm" height="297mm" viewBox="0 0 210 297">'
        '<rect width="210" height="297" fill="#fff"/>'
        f"{squares}"
        f'<rect x="{_LEFT_MM}" y="{_TOP_MM}" width="{_SIDE_MM}" height="{_SIDE_MM}" fill="none" stroke="#000" stroke-width="1"/>'
        '<path d="M105 12 L93 30 H101 V36 H109 V30 H117 Z"/>'
        '<g font-family="sans-serif" font-size="4.6" text-anchor="middle">'
        '<text x="105" y="224">bodycamd: this side up / deze kant boven</text>'
        '<text x="105" y="234">Fill a third of the picture or more, about 50 cm away, in even light.</text>'
        '<text x="105" y="243">Vul een derde van het beeld of meer, op ongeveer 50 cm, in gelijkmatig licht.</text>'
        "</g></svg>\n"
    )


def page() -> str:
    """The same as a page of HTML that is printed as one A4, without margins, at 100 %."""
    style = "@page { size: 210mm 297mm; margin: 0 } html, body { margin: 0; height: 297mm; overflow: hidden } svg { display: block }"
    return f'<!DOCTYPE html><html lang="nl"><meta charset="utf-8"><title>bodycamd</title><style>{style}</style>{svg()}</html>\n'
