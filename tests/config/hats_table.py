"""The table of hardware/README.md: which pins and addresses the known boards and the header's buses have.

`python -m tests.config.hats_table` writes it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bodycamd.config.hats import BUSES, HATS

PAGE = Path(__file__).parents[2] / "hardware" / "README.md"
MARKED = re.compile(r"(<!-- hats: [^\n]*-->\n\n).*?(<!-- end of hats -->)", re.DOTALL)


def table() -> str:
    """In Markdown."""
    rows = [("the header's buses", "\N{EN DASH}", by_meaning(BUSES), "\N{EN DASH}")]
    for name, hat in HATS.items():
        addresses = ", ".join(f"{address:#04x}" for address in hat.addresses) or "\N{EN DASH}"
        rows.append((hat.title, f"`board.hat: {name}`", by_meaning(hat.pins), addresses))
    lines = ["| board | configuration | GPIO | I2C |", "|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows)]
    return "\n".join(lines) + "\n\n"


def by_meaning(pins: Mapping[int, str]) -> str:
    """`2, 3: control (I2C); 27: its button`."""
    meanings: dict[str, list[str]] = {}
    for pin in sorted(pins):
        meanings.setdefault(pins[pin], []).append(str(pin))
    return "; ".join(f"{', '.join(numbers)}: {meaning}" for meaning, numbers in meanings.items())


def with_table(page: str) -> str:
    """The page with the table of now."""
    return MARKED.sub(lambda found: found[1] + table() + found[2], page)


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
