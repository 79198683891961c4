"""The figures of `hardware/power.md`, derived from `hardware/power.json`: `python -m tests.hardware.power` writes the table anew."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

HARDWARE = Path(__file__).parents[2] / "hardware"
PAGE = HARDWARE / "power.md"
DATA = HARDWARE / "power.json"
BEGIN, END = "<!-- figures: made by `python -m tests.hardware.power` -->", "<!-- end of figures -->"


class Watts(NamedTuple):
    """Of a computer with its parts, in standby and while it records."""

    standby: float
    recording: float


def watts(data: dict[str, Any], model: str) -> Watts:
    """By `board.model`. Of a Pi 4 only the active current is known. Raises `KeyError` for another one."""
    value = {name: entry["value"] if isinstance(entry, dict) else entry for name, entry in data.items()}
    idle_ma, active_ma = {
        "pi-zero-2-w": (value["board_idle_ma"], value["board_active_ma"]),
        "pi-4": (value["pi_4_active_ma"], value["pi_4_active_ma"]),
    }[model]
    standby = value["supply_volts"] * (idle_ma + value["led_ma"]) / 1000
    recording = value["supply_volts"] * (active_ma + value["camera_module_ma"] + value["led_ma"]) / 1000
    return Watts(standby, recording)


def figures(data: dict[str, Any]) -> dict[str, float]:
    """Watts, watt-hours, hours, a hold-up's supercapacitors, and how much longer a Zero 2 W's core takes than the benches' machine's."""
    value = {name: entry["value"] if isinstance(entry, dict) else entry for name, entry in data.items()}
    standby, recording = watts(data, "pi-zero-2-w")
    hold_up_joules = recording * value["hold_up_seconds"] / value["converter_efficiency"]
    hold_up_farads = 2 * hold_up_joules / (value["hold_up_full_volts"] ** 2 - value["hold_up_empty_volts"] ** 2)
    energy = value["cell_mah"] / 1000 * value["cell_volts"] * value["converter_efficiency"] * value["usable_share"]
    return {
        "standby_watts": standby,
        "recording_watts": recording,
        "cell_watt_hours": energy,
        "standby_hours": energy / standby,
        "recording_hours": energy / recording,
        "shift_watt_hours": 7 * standby + recording,
        "hold_up_joules": hold_up_joules,
        "hold_up_farads": hold_up_farads,
        "processor_ratio": value["here_7zip_mips"] / value["pi_7zip_mips"],
    }


def table(data: dict[str, Any]) -> str:
    """What stands between the marks of the page."""
    found = figures(data)
    full_volts, empty_volts = data["hold_up_full_volts"]["value"], data["hold_up_empty_volts"]["value"]
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
        f"| a hold-up of {data['hold_up_seconds']['value']} s while it records takes | {found['hold_up_joules']:.0f} J |",
        f"| … from {full_volts} V down to {empty_volts} V: two in series of | {2 * found['hold_up_farads']:.1f} F each, or more |",
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
