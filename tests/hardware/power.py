"""The figures of `hardware/power.md`, derived from `hardware/power.json`: `python -m tests.hardware.power` writes the table anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

HARDWARE = Path(__file__).parents[2] / "hardware"
PAGE = HARDWARE / "power.md"
DATA = HARDWARE / "power.json"
BEGIN, END = "<!-- figures: made by `python -m tests.hardware.power` -->", "<!-- end of figures -->"


def figures(data: dict[str, Any]) -> dict[str, float]:
    """Watts, watt-hours, hours, and how much longer a Zero 2 W's core takes than one of the benches' machine."""
    value = {name: entry["value"] if isinstance(entry, dict) else entry for name, entry in data.items()}
    volts = value["supply_volts"]
    standby = volts * (value["board_idle_ma"] + value["led_ma"]) / 1000
    recording = volts * (value["board_active_ma"] + value["camera_module_ma"] + value["led_ma"]) / 1000
    energy = value["cell_mah"] / 1000 * value["cell_volts"] * value["converter_efficiency"] * value["usable_share"]
    return {
        "standby_watts": standby,
        "recording_watts": recording,
        "cell_watt_hours": energy,
        "standby_hours": energy / standby,
        "recording_hours": energy / recording,
        "shift_watt_hours": 7 * standby + recording,
        "processor_ratio": value["here_7zip_mips"] / value["pi_7zip_mips"],
    }


def table(data: dict[str, Any]) -> str:
    """What stands between the marks of the page."""
    found = figures(data)
    cells = -(-found["shift_watt_hours"] // found["cell_watt_hours"])
    lines = [
        "| derived | figure |",
        "|---|---|",
        f"| standby: board idle, ready lamp lit | {found['standby_watts']:.2f} W |",
        f"| recording: board active, camera module, lamp lit | {found['recording_watts']:.2f} W |",
        f"| one cell gives | {found['cell_watt_hours']:.1f} Wh |",
        f"| one cell lasts in standby | {found['standby_hours']:.1f} h |",
        f"| one cell lasts recording | {found['recording_hours']:.1f} h |",
        f"| a shift of 8 h with 1 h of recording takes | {found['shift_watt_hours']:.1f} Wh, cells for it: {cells:.0f} |",
        f"| a core of a Zero 2 W takes, of the time of one where the benches were run | {found['processor_ratio']:.1f} times |",
        "",
        "| what went in | figure | from |",
        "|---|---|---|",
    ]
    for name, entry in data.items():
        if isinstance(entry, dict):
            lines.append(f"| `{name}` | {entry['value']} | {entry['source']} |")
    return "\n".join(lines)


def page(text: str, data: dict[str, Any]) -> str:
    """The page with its figures as they follow from the data."""
    return re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: f"{BEGIN}\n{table(data)}\n{END}", text, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(), json.loads(DATA.read_text())))
