"""One look after another at gauge, temperature, throttling and supply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodycamd.camera.sensors import kernel_files
from bodycamd.camera.sensors.bus import open_bus
from bodycamd.camera.sensors.charge import ChargeEstimate
from bodycamd.camera.sensors.gauges import Gauge, Ina219, Max17048, PiSugar2, PiSugar3
from bodycamd.camera.sensors.kernel_files import KernelGauge
from bodycamd.camera.sensors.readings import Charge, Reading
from bodycamd.config.i2c_addresses import gauge_address
from bodycamd.config.settings import BoardSettings, Config
from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown

LONGEST_REASON = 200


def build_gauge(board: BoardSettings, simulation: Path | None, root: Path = kernel_files.SYS) -> Gauge | None:
    """The gauge that the configuration names; `None` where it names none. Nothing is opened yet."""
    settings = board.battery
    if settings.gauge == "none":
        return None
    if settings.gauge == "kernel":
        assert settings.supply is not None, "the configuration check asks for board.battery.supply"
        return KernelGauge(settings.supply, root)
    bus, address = open_bus(settings.bus, simulation), gauge_address(board)
    assert address is not None
    match settings.gauge:
        case "max17048":
            return Max17048(bus, address)
        case "ina219":
            return Ina219(bus, address, settings)
        case "pisugar2":
            return PiSugar2(bus, address, settings)
        case "pisugar3":
            return PiSugar3(bus, address)


class Watch:
    """Takes readings, numbered from 1. A gauge that does not answer is a reading too, with the reason."""

    def __init__(self, config: Config, now_us: Callable[[], int], root: Path = kernel_files.SYS) -> None:
        battery = config.board.battery
        simulation = None if config.simulation_directory is None else Path(config.simulation_directory)
        self._gauge = build_gauge(config.board, simulation, root)
        self._estimate = ChargeEstimate(battery.cells, battery.capacity_mah)
        self._now_us, self._root = now_us, root
        self._sequence = 0

    def look(self) -> Reading:
        """The reading of now."""
        self._sequence += 1
        charge, fault = self._charge()
        return Reading(
            sequence=self._sequence,
            at_us=self._now_us(),
            charge=charge,
            fault=fault,
            celsius=kernel_files.celsius(self._root),
            throttled=kernel_files.throttled(self._root),
            under_voltage=kernel_files.under_voltage(self._root),
        )

    def _charge(self) -> tuple[Charge | None, str | None]:
        if self._gauge is None:
            return None, None
        try:
            return self._estimate.take(self._gauge.read(), self._now_us()), None
        except UnavailableError as error:
            return None, shown(str(error), LONGEST_REASON)
