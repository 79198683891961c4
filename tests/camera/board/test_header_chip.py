"""Which of the kernel's chips has the header's pins, and what is said where there is none."""

from __future__ import annotations

import errno
from pathlib import Path
from types import SimpleNamespace

import gpiod
import gpiozero
import pytest

from bodycamd.camera.board import header_pins, pi
from bodycamd.camera.board.header_pins import HEADER_CHIPS, header_chip
from bodycamd.errors import UnavailableError


@pytest.fixture(autouse=True)
def a_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", lambda: 0x902120)


def chips(monkeypatch: pytest.MonkeyPatch, folder: Path, labels: dict[str, str | OSError]) -> list[str]:
    """Chips with these labels, or which this user cannot open; gives what has been closed."""
    closed: list[str] = []

    def opened(path: str) -> object:
        name = Path(path).name
        label = labels[name]
        if isinstance(label, OSError):
            raise label
        return SimpleNamespace(path=name, get_info=lambda: SimpleNamespace(label=label), close=lambda: closed.append(name))

    for name in labels:
        (folder / name).touch()
    monkeypatch.setattr(gpiod, "Chip", opened)
    return closed


@pytest.mark.parametrize("label", sorted(HEADER_CHIPS))
def test_the_headers_chip_is_found_by_its_name(label: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    denied = PermissionError(errno.EACCES, "Permission denied")
    closed = chips(monkeypatch, tmp_path, {"gpiochip0": "raspberrypi-exp-gpio", "gpiochip1": denied, "gpiochip4": label})
    assert header_chip(tmp_path).path == "gpiochip4"
    assert closed == ["gpiochip0"]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, r"none of pinctrl-bcm2711, .* is in .*: there is no chip"),
        ({"gpiochip0": "gpio-mockup"}, "there is gpio-mockup"),
        ({"gpiochip0": "gpio-mockup", "gpiochip1": PermissionError(errno.EACCES, "Permission denied")}, "Permission denied"),
    ],
)
def test_without_a_headers_chip(labels: dict[str, str | OSError], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chips(monkeypatch, tmp_path, labels)
    monkeypatch.setattr(pi, "header_chip", lambda: header_pins.header_chip(tmp_path))
    with pytest.raises(UnavailableError, match=rf"(?s){said}.*group gpio.*simulated"):
        pi.header_pins()
    assert gpiozero.Device.pin_factory is None, "gpiozero did not choose one by itself"


def test_what_is_no_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []

    def unknown() -> int:
        raise gpiozero.exc.PinUnknownPi("unable to locate Pi revision")

    monkeypatch.setattr("gpiozero.pins.local.get_pi_revision", unknown)
    monkeypatch.setattr(pi, "header_chip", lambda: SimpleNamespace(close=lambda: closed.append(True)))
    with pytest.raises(UnavailableError, match="unable to locate Pi revision"):
        pi.header_pins()
    assert closed == [True]
