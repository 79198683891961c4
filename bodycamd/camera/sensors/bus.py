"""The I2C bus: through the kernel and smbus2, or a file of registers for simulations.

smbus2 is imported only here, and so only by the sensors process. Nothing is written to the bus.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from bodycamd.camera.sensors.gauges import SmBus
from bodycamd.errors import UnavailableError

REGISTERS_NAME = "registers.json"
MAX_REGISTERS_BYTES = 65_536

Registers = dict[str, dict[str, Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]]]


class KernelBus:
    """`/dev/i2c-N`. It is opened at each look, so that a bus that comes later is found."""

    def __init__(self, number: int) -> None:
        self._number = number

    def byte(self, address: int, register: int) -> int:
        """One byte of a register. Raises `UnavailableError`."""
        return self._read(address, register, words=False)

    def word(self, address: int, register: int) -> int:
        """Two bytes, the low one first. Raises `UnavailableError`."""
        return self._read(address, register, words=True)

    def _read(self, address: int, register: int, *, words: bool) -> int:
        try:
            from smbus2 import SMBus
        except ImportError as error:
            raise UnavailableError(f"smbus2 is not installed ({error}): from bodycamd's source: pip install '.[camera]'") from error
        try:
            with SMBus(self._number) as bus:
                return int(bus.read_word_data(address, register) if words else bus.read_byte_data(address, register))
        except FileNotFoundError as error:
            raise UnavailableError(
                f"there is no /dev/i2c-{self._number}: dtparam=i2c_arm=on in config.txt, and the module i2c-dev"
            ) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnavailableError(
                f"nothing answers at {address:#04x} on I2C bus {self._number} ({reason}): check wires and address"
            ) from error


class RegisterFile:
    """Registers from `registers.json` of a simulation: `{"0x36": {"0x04": 12800}}`, words as SMBus has them. Read anew at each look, so
    that a test can let a battery run down."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / REGISTERS_NAME

    def byte(self, address: int, register: int) -> int:
        """The low byte of what the file has there. Raises `UnavailableError`."""
        return self.word(address, register) & 0xFF

    def word(self, address: int, register: int) -> int:
        """What the file has there. Raises `UnavailableError`."""
        try:
            with self._file.open("rb") as opened:
                found = msgspec.json.decode(opened.read(MAX_REGISTERS_BYTES), type=Registers)
            return found[f"{address:#04x}"][f"{register:#04x}"]
        except KeyError as error:
            raise UnavailableError(f"{self._file}: nothing stands at {error}") from error
        except OSError as error:
            raise UnavailableError(f"{self._file}: {error.strerror}") from error
        except msgspec.DecodeError as error:
            raise UnavailableError(f"{self._file}: {error}") from error


def open_bus(bus: int | str, simulation: Path | None) -> SmBus:
    """The bus that the configuration names."""
    if isinstance(bus, int):
        return KernelBus(bus)
    assert simulation is not None, "the configuration check asks for simulation_directory"
    return RegisterFile(simulation)
