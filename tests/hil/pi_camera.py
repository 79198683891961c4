"""A Raspberry Pi over ssh: who logs in there may use `sudo` without a password, and jumpers join spare pins to the camera's (docs/hil.md).

`python -m tests.hil.pi_camera CONFIGURATION` prints the jumpers of that camera.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml
from pyrage import x25519

from bodycamd.config import load
from bodycamd.config.settings import Config
from bodycamd.errors import UnavailableError, UsageError
from bodycamd.workshop.wiring import header
from bodycamd.workshop.wiring.parts import reserved, used
from tests.hil.guest.bench import CARD
from tests.hil.line import SSH, SshLine
from tests.kit.camera import WARNING

REPOSITORY = Path(__file__).parents[2]
GUEST = tuple(f"tests/hil/guest/{name}.py" for name in ("__init__", "__main__", "bench", "jumpers", "parts", "pins"))
CODE = ("tests/__init__.py", "tests/hil/__init__.py", *GUEST)
ROOT, FOLDER = Path("/"), Path("/run/bodycamd-hil")
"""On the camera: in memory, and only root makes it."""
UNPACK = "sudo -n sh -c 'mkdir -p {folder} && tar -xf - -C {folder}'"
PYTHON = "opt/bodycamd/current/bin/python"
"""That of the recorder, which has gpiod; where none is installed, the camera's own says so."""
SERVE = f"sudo -n sh -c 'cd {{folder}} && p={{root}}/{PYTHON}; test -x $p || p=python3; exec $p -B -m tests.hil.guest --pi {{root}}'"
SPARE = (5, 6, 13, 19, 26, 16, 20, 21, 12, 24, 25)
"""Lines of the header without a second use, the first ones in a row."""


def wires(config: Config) -> dict[str, Any]:
    """The jumpers of a camera: spare pins in the order of `SPARE`, but for those that its configuration or its HAT has. As `Jumpers` takes
    them. Raises `UsageError` where there are not enough."""
    gpio = config.board.gpio
    taken = {*reserved(config), *(header.HEADER[pin - 1] for pin in used(config))}
    free = [pin for pin in SPARE if pin not in taken]
    lamps = {"lamp": (gpio.led, gpio.led_active), "ready_lamp": (gpio.ready_led, gpio.ready_led_active)}
    fitted = {part: on for part, (pin, on) in {**lamps, "haptic": (gpio.haptic, gpio.haptic_active)}.items() if pin is not None}
    if len(free) <= len(fitted):
        raise UsageError(f"the header has {len(free)} spare pins, and the bench needs {1 + len(fitted)}: take the HAT off")
    eyes = {part: (pin, fitted[part]) for part, pin in zip(fitted, free[1:], strict=False)}
    return {"hand": free[0], "pulls": gpio.button_to, "eyes": eyes}


def drawing(config: Config) -> Iterator[str]:
    """The header from above, pin 1 at the top left, with a letter at both ends of each jumper."""
    gpio, wired = config.board.gpio, wires(config)
    own = {"button": gpio.button, "lamp": gpio.led, "ready_lamp": gpio.ready_led, "haptic": gpio.haptic}
    ends = {gpio.button: "A button", wired["hand"]: "A hand"}
    for letter, (part, (pin, _)) in zip("BCD", wired["eyes"].items(), strict=False):
        ends |= {own[part]: f"{letter} {part.replace('_', ' ')}", pin: f"{letter} eye"}
    names = [f"GPIO {what}  {ends[what]}" if what in ends else str(what) if isinstance(what, str) else "" for what in header.HEADER]
    for row in range(header.ROWS):
        left, right = names[2 * row], names[2 * row + 1]
        yield f"{'  '.join(reversed(left.split('  '))):>24}  {2 * row + 1:>2} o o {2 * row + 2:<2}  {right}".rstrip()


def configuration(own: Config, film: Path | None) -> str:
    """What the camera runs with on the bench: its own pins and its own picture, or a film; a sound card whose other end is the microphone;
    a store of 2 GB."""
    gpio, video = msgspec.to_builtins(own.board.gpio), msgspec.to_builtins(own.video)
    if film is not None:
        video |= {"source": "file", "file": str(FOLDER / "film.h264")}
    settings = {
        "device_id": "hil-bench",
        "video": {**video, "bit_rate": min(own.video.bit_rate, 2_000_000)},
        "microphone": {"device": f"plughw:CARD={CARD},DEV=1"},
        "speaker": {"device": "loudspeaker"},
        "warning": {"file": str(FOLDER / "warning.wav")},
        "board": {"gpio": gpio, "hat": own.board.hat, "model": own.board.model},
        "storage": {"reserve_minutes": 1},
    }
    text: str = yaml.safe_dump(settings, sort_keys=False)
    return text


class PiCamera:
    """Begun; `close` leaves the camera as it was. Raises `BodycamError` in one sentence where it is not for the bench."""

    newer = None

    def __init__(self, host: str, film: Path | None = None) -> None:
        self._unpack(host, film)
        self._line = SshLine(host, SERVE.format(folder=FOLDER, root=ROOT))
        try:
            own = load.parse(self.ask_timed("look")[0].encode(), Path("/etc/bodycamd/bodycamd.yaml"))
            nobody = str(x25519.Identity.generate().to_public())
            config = configuration(own, film)
            load.parse(config.encode(), Path("the bench's configuration"))
            self.ask_timed("begin", patience=300, config=config, recipients=f"{nobody}\n", wires=wires(own))
        except BaseException:
            self._line.close()
            raise

    def ask_timed(self, do: str, *, patience: float = 120.0, **given: Any) -> tuple[Any, int]:
        """See `Camera`."""
        return self._line.ask(do, patience=patience, **given)

    def restart(self) -> None:
        """See `Camera`."""
        raise NotImplementedError("nothing here can cut its power")

    def close(self) -> None:
        """Raises `RefusedError` where the camera is not as it was."""
        try:
            self.ask_timed("end", patience=300)
        finally:
            self._line.close()

    def _unpack(self, host: str, film: Path | None) -> None:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for name in CODE:
                archive.add(REPOSITORY / name, name)
            archive.add(WARNING, "warning.wav")
            if film is not None:
                archive.add(film, "film.h264")
        try:
            done = subprocess.run([*SSH, host, UNPACK.format(folder=FOLDER)], input=packed.getvalue(), check=False)
        except FileNotFoundError as error:
            raise UnavailableError("ssh is not installed: apt install openssh-client") from error
        if done.returncode != 0:
            raise UnavailableError(
                f"{host}: nothing can be copied there (exit code {done.returncode}): does `ssh {host} sudo -n true` work?"
            )


if __name__ == "__main__":
    print("\n".join(drawing(load.load(sys.argv[1]))))
