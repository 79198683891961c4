"""The sections `board`, `clock` and `shift` of the configuration: pins, battery gauge, HAT, sensors, real-time clock, officers' cards."""

from typing import Annotated, Literal

from msgspec import Meta

from bodycamd.config.bounds import Address, Name, Pin, Salt, Settings, Text
from bodycamd.config.hats import HatName
from bodycamd.config.paths import DEFAULT_CARDS, DEFAULT_SENSORS

Level = Literal["high", "low"]
READY_LED = 23
DEFAULT_CARD_PORT = "/dev/serial0"


class GpioSettings(Settings, frozen=True, kw_only=True):
    """BCM pin numbers; `null` where a part is not fitted."""

    button: Annotated[Pin, Meta(description="BCM pin of the button.")] = 17
    button_to: Annotated[
        Literal["ground", "3v3"], Meta(description="What a press connects the button's pin to; the pull resistor inside is set for it.")
    ] = "ground"
    led: Annotated[Pin, Meta(description="BCM pin of the red LED that faces outward.")] = 27
    led_active: Annotated[Level, Meta(description="Level of its pin that lights the red LED.")] = "high"
    ready_led: Annotated[Pin | None, Meta(description="BCM pin of the green LED that faces the officer; null: not fitted.")] = READY_LED
    ready_led_active: Annotated[Level, Meta(description="Level of its pin that lights the green LED.")] = "high"
    haptic: Annotated[Pin | None, Meta(description="BCM pin of the vibration motor; null: not fitted.")] = 22
    haptic_active: Annotated[Level, Meta(description="Level of its pin that moves the motor.")] = "high"


class BatterySettings(Settings, frozen=True, kw_only=True):
    """The battery gauge, which the process bodycamd-sensors reads."""

    gauge: Annotated[
        Literal["none", "kernel", "max17048", "ina219", "pisugar2", "pisugar3"],
        Meta(description="A gauge with a kernel driver, a chip on the I2C bus, or none."),
    ] = "none"
    supply: Annotated[
        Name | None,
        Meta(description="Name of the gauge below /sys/class/power_supply, or of the hwmon chip; with gauge: kernel only."),
    ] = None
    bus: Annotated[
        Annotated[int, Meta(ge=0, le=20)] | Literal["simulated"],
        Meta(description="Number of the I2C bus; simulated: registers.json in simulation_directory."),
    ] = 1
    address: Annotated[
        Address | None, Meta(description="I2C address of the gauge, as `i2cdetect -y 1` prints it; null: the usual one of that gauge.")
    ] = None
    cells: Annotated[int, Meta(ge=1, le=4, description="Cells in series, for gauges that measure voltage only.")] = 1
    capacity_mah: Annotated[
        Annotated[int, Meta(ge=100, le=100_000)] | None,
        Meta(description="Capacity of the battery in mAh, for minutes from the current; null: not known."),
    ] = None
    shunt_milliohm: Annotated[float, Meta(ge=1, le=1000, description="The resistor that an INA219 measures over.")] = 100.0
    positive_current: Annotated[
        Literal["charging", "discharging"], Meta(description="What a current above zero means on this board; INA219 and PiSugar 2.")
    ] = "charging"
    low_percent: Annotated[int, Meta(ge=5, le=50, description="At this charge in percent the officer is told.")] = 15
    low_minutes: Annotated[
        Annotated[int, Meta(ge=5, le=240)] | None,
        Meta(description="With fewer minutes left than this, by estimate, the officer is told too; null: never."),
    ] = 20
    critical_percent: Annotated[
        int, Meta(ge=1, le=20, description="At this charge in percent the camera saves, closes and shuts down; below low_percent.")
    ] = 3


class BoardSettings(Settings, frozen=True, kw_only=True):
    """Which hardware stands behind the ports."""

    adapter: Annotated[Literal["pi", "simulated"], Meta(description="A Raspberry Pi's pins, or files in simulation_directory.")] = "pi"
    model: Annotated[
        Literal["pi-zero-2-w", "pi-3a-plus", "pi-4", "pi-5"] | None,
        Meta(description="The Raspberry Pi, for `config check`, and stated where it is another one; null: not said."),
    ] = None
    hat: Annotated[
        HatName | None, Meta(description="The board that sits on the header, so that its pins are left to it; null: none, or another.")
    ] = None
    sensors: Annotated[Text, Meta(description="Socket on which bodycamd-sensors tells battery, temperature and supply.")] = str(
        DEFAULT_SENSORS
    )
    card_reader: Annotated[
        Literal["none", "pcsc", "pn532", "simulated"],
        Meta(
            description="The reader of officers' cards: any that PC/SC knows, a PN532 on a serial port, card.txt in simulation_directory, "
            "or none. A card selects a pseudonym and proves nothing."
        ),
    ] = "none"
    card_port: Annotated[Text, Meta(description="Serial port of the PN532; with card_reader: pn532 only.")] = DEFAULT_CARD_PORT
    cards: Annotated[Text, Meta(description="Socket on which bodycamd-cards tells that a card is shown.")] = str(DEFAULT_CARDS)
    gpio: GpioSettings = GpioSettings()
    battery: BatterySettings = BatterySettings()


class ClockSettings(Settings, frozen=True, kw_only=True):
    """The wall clock."""

    rtc: Annotated[
        Literal["none", "ds3231", "pcf8523", "pcf85063", "rv3028", "pi5"],
        Meta(description="The battery-backed clock that the wall clock may be trusted by where no time server is reached."),
    ] = "none"


class ShiftSettings(Settings, frozen=True, kw_only=True):
    """Shifts that begin and end by a card."""

    cards: Annotated[
        Text | None,
        Meta(
            description="File of the officers' cards, a line for each as `bodycamd shift card` prints it: pseudonym and code; "
            "null: no card begins a shift."
        ),
    ] = None
    salt: Annotated[
        Salt | None,
        Meta(
            description="What the municipality's codes of cards are made with, the same on all its cameras: `openssl rand -hex 16`; "
            "null: none are made."
        ),
    ] = None
