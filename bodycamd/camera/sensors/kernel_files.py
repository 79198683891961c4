"""What the kernel itself tells of battery, temperature, throttling and supply, in files below /sys.

- `class/power_supply/NAME`: `capacity` (%), `status`, `time_to_empty_now` or `_avg` (s), `voltage_now` (µV), `current_now` (µA, above 0
  into the battery): Documentation/ABI/testing/sysfs-class-power.
- `class/hwmon/hwmonN` with `name`: `in1_input` (mV), `curr1_input` (mA): Documentation/hwmon/ina2xx.rst.
- `class/thermal/thermal_zone0/temp` (m°C): the processor's.
- `devices/platform/soc*/soc*:firmware/get_throttled`: the firmware's bits in hexadecimal, as the kernel read them last (every 2 s): 0
  under-voltage, 1 frequency capped, 2 throttled, 3 soft temperature limit (raspberrypi/linux, `drivers/firmware/raspberrypi.c`). A read
  costs no call to the firmware; the first one leaves a warning "deprecated" in the kernel's log.
- `class/hwmon/hwmonN` named `rpi_volt`: `in0_lcrit_alarm` is 1 while the supply is too low (`drivers/hwmon/raspberrypi-hwmon.c`).

The Zeros have no circuit that measures the supply, so there the bit is 0 whatever happens: it is *not measurable*.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from bodycamd.camera.sensors.charge import Measured
from bodycamd.errors import UnavailableError

SYS = Path("/sys")
LONGEST = 128
THROTTLED_BITS = 0x2 | 0x4 | 0x8
"""The processor is slower than it should be: capped, throttled, or at its soft temperature limit."""
UNDER_VOLTAGE_BITS = 0x1
NO_SUPPLY_CIRCUIT = re.compile(r"Raspberry Pi Zero")


class KernelGauge:
    """The gauge called `name` below `class/power_supply`, or the hwmon chip of that name."""

    def __init__(self, name: str, root: Path = SYS) -> None:
        self._name, self._root = name, root

    def read(self) -> Measured:
        """One look. Raises `UnavailableError` where there is no such gauge, naming those that there are, or where it says nothing."""
        folder = self._root / "class/power_supply" / self._name
        measured = _power_supply(folder) if folder.is_dir() else self._hwmon()
        if measured.percent is None and measured.volts is None:
            raise UnavailableError(f"the battery gauge {self._name} tells neither charge nor voltage; check its wires")
        return measured

    def _hwmon(self) -> Measured:
        chips = {name: chip for chip in sorted(self._root.glob("class/hwmon/hwmon*")) if (name := _text(chip / "name")) is not None}
        if self._name not in chips:
            supplies = [path.name for path in sorted(self._root.glob("class/power_supply/*"))]
            found = ", ".join([*supplies, *chips]) or "none"
            raise UnavailableError(f"board.battery.supply: the kernel has no gauge {self._name}; it has: {found}"[:200])
        chip = chips[self._name]
        millivolts = _number(chip / "in1_input")
        return Measured(volts=None if millivolts is None else millivolts / 1000, milliamperes=_number(chip / "curr1_input"))


def _power_supply(folder: Path) -> Measured:
    microvolts, microamperes = _number(folder / "voltage_now"), _number(folder / "current_now")
    seconds = _number(folder / "time_to_empty_now") or _number(folder / "time_to_empty_avg")
    status, percent = _text(folder / "status"), _number(folder / "capacity")
    if percent is not None and not 0 <= percent <= 100:
        raise UnavailableError(f"the battery gauge {folder.name} says {percent:g} %; check its wires and its calibration")
    return Measured(
        percent=percent,
        volts=None if microvolts is None else microvolts / 1e6,
        milliamperes=None if microamperes is None else microamperes / 1000,
        charging={"Charging": True, "Full": True, "Discharging": False, "Not charging": False}.get(status or ""),
        minutes_left=None if not seconds else seconds / 60,
    )


def celsius(root: Path = SYS) -> float | None:
    """The processor's temperature, `None` where the kernel does not tell, or tells what cannot be."""
    millidegrees = _number(root / "class/thermal/thermal_zone0/temp")
    return None if millidegrees is None or not -60_000 <= millidegrees <= 150_000 else millidegrees / 1000


def throttled(root: Path = SYS) -> bool | None:
    """Whether the processor is slower than it should be; `None` where this machine does not tell."""
    bits = _firmware_bits(root)
    return None if bits is None else bool(bits & THROTTLED_BITS)


def under_voltage(root: Path = SYS) -> bool | Literal["not_measurable"] | None:
    """Whether the supply is too low; never `False` where nothing measures it."""
    model = _text(root / "firmware/devicetree/base/model")
    if model is not None and NO_SUPPLY_CIRCUIT.search(model):
        return "not_measurable"
    for chip in sorted(root.glob("class/hwmon/hwmon*")):
        if _text(chip / "name") == "rpi_volt" and (alarm := _number(chip / "in0_lcrit_alarm")) is not None:
            return alarm != 0
    bits = _firmware_bits(root)
    return None if bits is None else bool(bits & UNDER_VOLTAGE_BITS)


def _firmware_bits(root: Path) -> int | None:
    for file in sorted(root.glob("devices/platform/soc*/soc*firmware/get_throttled")):
        try:
            return int(_text(file) or "", 16)
        except ValueError:
            continue
    return None


def _number(file: Path) -> float | None:
    try:
        return float(int(_text(file) or ""))
    except ValueError:
        return None


def _text(file: Path) -> str | None:
    """A file's first characters without the white space and the NUL of a device tree; `None` where it cannot be read (a chip that does not
    answer)."""
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST).decode("ascii", "replace").strip("\0 \n")
    except OSError:
        return None
