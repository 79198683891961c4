"""The bill of materials: `hardware/bill-of-materials.md` from its data, `bill-of-materials.toml`.

`python -m tests.hardware.bill` writes the page. `contradictions` says where the data and the software disagree: a part that names a setting
which the software does not have, or which the build's own configuration does not say; a chip that is configured and not bought.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import yaml
from msgspec import Struct

from bodycamd.config.checks import doubts
from bodycamd.config.load import judge
from bodycamd.config.settings import Config
from tests.hardware import power
from tests.kit.marked import written

ROOT = Path(__file__).parents[2]
DATA = ROOT / "hardware/bill-of-materials.toml"
PAGE = ROOT / "hardware/bill-of-materials.md"

Setting: TypeAlias = str | int
BOUGHT = {
    "board.model": "computer",
    "video.module": "camera module",
    "board.hat": "sound board",
    "board.battery.gauge": "battery gauge",
    "board.battery.capacity_mah": "battery",
    "clock.rtc": "clock",
}
"""What the configuration names and somebody must buy; `none` and null are nothing."""
RECORDING_SHARE = 0.9
"""Of a card; the rest is the system's."""


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is bought: see the head of the data."""

    what: str
    maker: str
    type: str
    buy: str | None = None
    price_usd: float | None = None
    price_seen: str | None = None
    price_quoted: str | None = None
    settings: dict[str, Setting] = {}
    size_mm: tuple[float, float, float] | None = None
    size_from: str | None = None
    ohms: int | None = None
    mah: int | None = None
    volts: float | None = None
    gigabytes: int | None = None


class Build(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A camera: how many of which part, and its configuration."""

    title: str
    configuration: str
    parts: dict[str, int]


class Bill(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole data."""

    as_of: str
    build: dict[str, Build]
    part: dict[str, Part]


def read(text: str) -> Bill:
    """The data. Raises `msgspec.ValidationError` with the place of what is wrong."""
    return msgspec.convert(tomllib.loads(text), Bill)


def configuration(build: Build) -> Config:
    """Of a build. Raises `AssertionError` with everything that is wrong with it."""
    path = ROOT / build.configuration
    found = judge(path.read_bytes(), path)
    assert found.config is not None, [problem.text(build.configuration) for problem in found.problems]
    return found.config


def contradictions(bill: Bill, configurations: Mapping[str, Config]) -> Iterator[str]:
    """Where the bill and the software disagree, one sentence each."""
    used = {name for build in bill.build.values() for name in build.parts}
    yield from (f"{name}: of no build" for name in bill.part if name not in used)
    for title, build in bill.build.items():
        config = configurations[title]
        yield from (f"{title}: {doubt.text(build.configuration)}" for doubt in doubts(config))
        bought: set[str] = set()
        for name in build.parts:
            if name not in bill.part:
                yield f"{title}: no part {name}"
                continue
            for key, value in bill.part[name].settings.items():
                bought.add(key)
                yield from (f"{title}: {name}: {reason}" for reason in _disagreement(config, key, value))
        for key, what in BOUGHT.items():
            if configured(config, key) not in (None, "none") and key not in bought:
                yield f"{title}: {key} is {configured(config, key)}, and no {what} is bought"


def _disagreement(config: Config, key: str, value: Setting) -> Iterator[str]:
    nested: Any = value
    for name in reversed(key.split(".")):
        nested = {name: nested}
    alone = judge(yaml.safe_dump({"device_id": "camera-17", **nested}).encode(), DATA)
    unknown = [problem for problem in alone.problems if problem.key == key]
    if unknown:
        yield f"the software has no adapter for {key}: {value}; allowed: {unknown[0].allowed}"
    elif configured(config, key) != value:
        yield f"{key} is {configured(config, key)} in the configuration, not {value}"


def configured(config: Config, key: str) -> Setting | None:
    """The value of a key by its dotted path."""
    at: Any = config
    for name in key.split("."):
        at = getattr(at, name)
    found: Setting | None = at
    return found


def battery_watt_hours(bill: Bill, build: Build) -> float:
    """What the battery of a build gives at 5 V."""
    derived = json.loads(power.DATA.read_text())
    share: float = derived["converter_efficiency"]["value"] * derived["usable_share"]["value"]
    [cell] = [bill.part[name] for name in build.parts if bill.part[name].mah is not None]
    assert cell.mah is not None
    assert cell.volts is not None
    return cell.mah / 1000 * cell.volts * share


def card_hours(bill: Bill, build: Build) -> float:
    """Hours of footage that the card of a build holds."""
    config = configuration(build)
    [card] = [bill.part[name] for name in build.parts if bill.part[name].gigabytes is not None]
    assert card.gigabytes is not None
    bits_per_second = config.video.bit_rate + config.microphone.bit_rate
    return card.gigabytes * 8e9 * RECORDING_SHARE / bits_per_second / 3600


def known_usd(bill: Bill, build: Build) -> tuple[float, int]:
    """The sum of the known prices, and of how many parts none is known."""
    prices = [(bill.part[name].price_usd, count) for name, count in build.parts.items()]
    return sum(price * count for price, count in prices if price is not None), sum(price is None for price, _ in prices)


def tables(bill: Bill) -> str:
    """What stands between the marks of the page."""
    lines = [f"Prices in US dollars, without tax and delivery, as they were found until {bill.as_of}."]
    for build in bill.build.values():
        lines += ["", f"### {build.title}", ""]
        lines += [f"Its configuration: `{build.configuration}`.", ""]
        lines += ["| part | pieces | maker, type | each | price seen | configuration |", "|---|---|---|---|---|---|"]
        lines += [_row(bill.part[name], count) for name, count in build.parts.items()]
        usd, unknown = known_usd(bill, build)
        lines += ["", f"Known prices together: **{usd:.2f} US dollars**; no price was found of {unknown} of {len(build.parts)} parts."]
        lines += [f"The battery gives {battery_watt_hours(bill, build):.1f} Wh: {_hours(bill, build)}."]
        lines += [f"The card holds {card_hours(bill, build):.0f} h of footage."]
    lines += ["", "### Sizes that the case is drawn by", "", "| part | length, width, height (mm) | from |", "|---|---|---|"]
    for part in bill.part.values():
        if part.size_mm is not None:
            lines.append(f"| {part.maker} {part.type} | {' by '.join(f'{side:g}' for side in part.size_mm)} | {part.size_from} |")
    return "\n".join(lines)


def _hours(bill: Bill, build: Build) -> str:
    energy = battery_watt_hours(bill, build)
    derived = json.loads(power.DATA.read_text())
    watts = power.watts(derived, configuration(build).board.model or "")
    shift = 7 * watts.standby + watts.recording
    lasts = f"{energy / watts.standby:.1f} h in standby, {energy / watts.recording:.1f} h recording"
    enough = "enough for" if energy >= shift else "**not enough for**"
    return f"{lasts}; {enough} a shift of 8 h with 1 h of recording ({shift:.1f} Wh)"


def _row(part: Part, count: int) -> str:
    name = f"{part.maker} {part.type}"
    price = "not found" if part.price_usd is None else f"{part.price_usd:.2f}"
    seen = "" if part.price_seen is None else f"{part.price_seen}: {part.price_quoted}"
    settings = ", ".join(f"`{key}: {value}`" for key, value in part.settings.items())
    linked = f"[{name}]({part.buy})" if part.buy is not None else name
    return f"| {part.what} | {count} | {linked} | {price} | {seen} | {settings} |"


def page(text: str, bill: Bill) -> str:
    """The page with the tables of the data."""
    return written(text, "bill", "tests.hardware.bill", tables(bill))


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), read(DATA.read_text(encoding="utf-8"))), encoding="utf-8")
