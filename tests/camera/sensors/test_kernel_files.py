"""What the kernel tells below /sys, on trees of files as the drivers make them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.camera.sensors import kernel_files
from bodycamd.camera.sensors.charge import Measured
from bodycamd.camera.sensors.kernel_files import KernelGauge
from bodycamd.errors import UnavailableError

MODEL = "firmware/devicetree/base/model"
THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def supply(**files: str) -> dict[str, str]:
    return {f"class/power_supply/BAT0/{name}": content for name, content in files.items()}


def hwmon(number: int, **files: str) -> dict[str, str]:
    return {f"class/hwmon/hwmon{number}/{name}": content for name, content in files.items()}


@pytest.mark.parametrize(
    ("files", "measured"),
    [
        (
            supply(capacity="80\n", status="Discharging\n", voltage_now="3900000\n", current_now="-450000\n", time_to_empty_now="5400\n"),
            Measured(percent=80, volts=3.9, milliamperes=-450, charging=False, minutes_left=90),
        ),
        (supply(capacity="5\n", status="Charging\n", time_to_empty_avg="60\n"), Measured(percent=5, charging=True, minutes_left=1)),
        (supply(voltage_now="3700000\n", status="Unknown\n"), Measured(volts=3.7)),
        (supply(capacity="100\n", status="Full\n", time_to_empty_now="0\n"), Measured(percent=100, charging=True)),
        (hwmon(0, name="cpu_thermal\n") | hwmon(3, name="BAT0\n", in1_input="3850\n", curr1_input="-320\n"), Measured(None, 3.85, -320.0)),
    ],
)
def test_a_gauge_of_the_kernel(files: dict[str, str], measured: Measured, tmp_path: Path) -> None:
    assert KernelGauge("BAT0", tree(tmp_path, files)).read() == measured


@pytest.mark.parametrize("content", ["", "full\n", "-1\n", "101\n", "nan\n", "inf\n", "9" * 5000])
def test_nonsense_is_told(content: str, tmp_path: Path) -> None:
    gauge = KernelGauge("BAT0", tree(tmp_path, supply(capacity=content)))
    with pytest.raises(UnavailableError, match=r"BAT0.*check its wires"):
        gauge.read()
    tree(tmp_path, supply(capacity="50\n"))
    assert gauge.read() == Measured(percent=50)


def test_a_gauge_that_is_not_there_is_told_with_the_ones_that_are(tmp_path: Path) -> None:
    tree(tmp_path, supply(capacity="1\n") | hwmon(0, name="ina219\n"))
    with pytest.raises(UnavailableError, match=r"board\.battery\.supply: the kernel has no gauge BAT1; it has: BAT0, ina219"):
        KernelGauge("BAT1", tmp_path).read()
    with pytest.raises(UnavailableError, match="it has: none"):
        KernelGauge("BAT1", tmp_path / "empty").read()


@pytest.mark.parametrize(
    ("content", "celsius"), [("48312\n", 48.312), ("-5000\n", -5.0), ("", None), ("hot", None), ("151000", None), ("-273000", None)]
)
def test_temperature(content: str, celsius: float | None, tmp_path: Path) -> None:
    assert kernel_files.celsius(tree(tmp_path, {"class/thermal/thermal_zone0/temp": content})) == celsius


@pytest.mark.parametrize(
    ("bits", "throttled", "low"),
    [
        *(("0\n", False, False), ("1\n", False, True), ("2\n", True, False), ("4\n", True, False), ("8\n", True, False)),
        *(("50005\n", True, True), ("50000\n", False, False), ("", None, None), ("zz\n", None, None)),
    ],
)
@pytest.mark.parametrize("node", [THROTTLED, "devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"])
def test_the_firmwares_bits(bits: str, throttled: bool | None, low: bool | None, node: str, tmp_path: Path) -> None:
    """Bits 16 and up say that it happened once: no statement about now."""
    tree(tmp_path, {node: bits, MODEL: "Raspberry Pi 4 Model B Rev 1.4\0"})
    assert (kernel_files.throttled(tmp_path), kernel_files.under_voltage(tmp_path)) == (throttled, low)


@pytest.mark.parametrize(("alarm", "low"), [("0\n", False), ("1\n", True)])
def test_the_kernels_own_alarm_comes_before_the_bits(alarm: str, low: bool, tmp_path: Path) -> None:
    tree(tmp_path, hwmon(1, name="rpi_volt\n", in0_lcrit_alarm=alarm) | {THROTTLED: "0\n" if low else "1\n"})
    assert kernel_files.under_voltage(tmp_path) is low


@pytest.mark.parametrize("model", ["Raspberry Pi Zero 2 W Rev 1.0\0", "Raspberry Pi Zero W Rev 1.1\0"])
def test_a_zero_cannot_measure_its_supply_whatever_its_files_say(model: str, tmp_path: Path) -> None:
    tree(tmp_path, hwmon(1, name="rpi_volt\n", in0_lcrit_alarm="0\n") | {THROTTLED: "0\n", MODEL: model})
    assert kernel_files.under_voltage(tmp_path) == "not_measurable"
    assert kernel_files.throttled(tmp_path) is False


def test_a_machine_that_tells_nothing(tmp_path: Path) -> None:
    assert [look(tmp_path) for look in (kernel_files.celsius, kernel_files.throttled, kernel_files.under_voltage)] == [None] * 3
