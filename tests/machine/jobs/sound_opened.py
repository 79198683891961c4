"""Opens the kernel's sound cards as the capture worker and the voice do. Runs in the virtual camera with the camera's own Python, started
by the job `sound`.

snd-dummy stands for the Pi's HDMI card and for a card that gives zeros, snd-aloop for a USB card: whoever opens its other end first settles
rate, format and channels, and what is played there is what the microphone hears.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodycamd.camera.board.voice.output import AlsaSpeaker, OutputFailure
from bodycamd.camera.capture.worker.sound_devices import AlsaDevice
from bodycamd.config.settings import MicrophoneChannel, MicrophoneSettings
from bodycamd.errors import BodycamError
from tests.machine.jobs.guest import BENCH, run, tell, wait_for

ASOUND = Path("/proc/asound")
LOADED = ("snd-dummy", "snd-aloop")
HDMI_FIRST = (("snd-dummy", "index=0", "id=vc4hdmi"), ("snd-aloop", "index=1", "id=Device"))
HDMI_LAST = (("snd-aloop", "index=0", "id=Device"), ("snd-dummy", "index=1", "id=vc4hdmi"))
TWO_SPEAKERS = (("snd-dummy", "enable=1,1", "index=0,2", "id=vc4hdmi,Headphones"), ("snd-aloop", "index=1", "id=Device"))
HDMI_ONLY = HDMI_FIRST[:1]
TRIED = tuple(f"{plugin}:CARD=Device" for plugin in ("hw", "plughw", "sysdefault", "default", "dsnoop", "dmix", "front"))
SECONDS = 2


def cards(order: tuple[tuple[str, ...], ...]) -> None:
    """Take all cards away and put these in."""
    for module in LOADED:
        subprocess.run(["modprobe", "--remove", module], capture_output=True, check=False)
    for module_and_options in order:
        run("modprobe", *module_and_options)
    run("udevadm", "settle")


@contextmanager
def other_end(direction: str, device: int, *command: str) -> Iterator[None]:
    """A program that holds the loopback's other end, running."""
    with subprocess.Popen(command) as program:
        status = ASOUND / f"Device/pcm{device}{direction}/sub0/status"
        wait_for(lambda: "RUNNING" in status.read_text(), 30, f"{command}: {status}")
        try:
            yield
        finally:
            program.kill()


def fed(feed: dict[str, str | int]) -> list[str]:
    """The command that plays a feed into the loopback."""
    form = ["-f", str(feed["format"]), "-r", str(feed["rate"]), "-c", str(feed["channels"])]
    return ["aplay", "-q", "-D", "hw:CARD=Device,DEV=0", *form, str(BENCH / str(feed["file"]))]


def heard(name: str, device: str | None, channel: MicrophoneChannel = "mix", gain_db: float = 0.0) -> str:
    """What the microphone opens, having left its samples in NAME.raw; or why it opens nothing."""
    try:
        opened = AlsaDevice(MicrophoneSettings(device=device, channel=channel, gain_db=gain_db))
    except BodycamError as error:
        return f"refused: {error}"
    try:
        pcm = b""
        while len(pcm) < 2 * 48_000 * SECONDS:
            pcm += opened.read()[0]
    finally:
        opened.close()
    (BENCH / f"{name}.raw").write_bytes(pcm)
    return opened.name


def opens(device: str) -> str:
    """What the microphone opens by this name, or why it opens nothing."""
    try:
        opened = AlsaDevice(MicrophoneSettings(device=device))
    except BodycamError as error:
        return f"refused: {error}"
    opened.close()
    return opened.name


def plays(device: str | None, samples: bytes = b"") -> str:
    """What the voice opens and plays to, or why it opens nothing."""
    speaker = AlsaSpeaker(device)
    try:
        name = speaker.open(1)
        for at in range(0, len(samples), 960):
            speaker.write(samples[at : at + 960])
        speaker.abort()
    except OutputFailure as error:
        return f"refused: {error}"
    return name


def printed(program: str) -> list[str]:
    """Of the names that `arecord -L` or `aplay -L` prints, those that cards have and `null`."""
    return [line for line in run(program, "-L").splitlines() if line == "null" or line.startswith(TRIED)]


def main() -> None:
    """All scenes; what was seen is `opened.json` of the share."""
    feeds: dict[str, dict[str, str | int]] = json.loads((BENCH / "feeds.json").read_text())
    seen: dict[str, object] = {}
    for place, order in (("first", HDMI_FIRST), ("last", HDMI_LAST)):
        cards(order)
        seen[f"cards, HDMI {place}"] = (ASOUND / "cards").read_text()
        seen[f"named, HDMI {place}"] = {name: opens(name) for name in [*printed("arecord"), "Device", "Loopback", "hw:0,0"]}
        seen[f"played, HDMI {place}"] = {name: plays(name) for name in [*printed("aplay"), "Device", "Loopback", "hw:0,0"]}
        # What is played to device 1 of a loopback is heard from its device 0, the first one: null takes that.
        feed = feeds["both"]
        with other_end("p", 1, *[part.replace("DEV=0", "DEV=1") for part in fed(feed)]):
            seen[f"null, HDMI {place}"] = heard(f"null-{place}", None)
        seen[f"null speaker, HDMI {place}"] = plays(None)
    cards(HDMI_FIRST)
    for name, feed in feeds.items():
        with other_end("p", 0, *fed(feed)):
            seen[name] = heard(name, "plughw:CARD=Device,DEV=1", gain_db=6.0 if name == "loud" else 0.0)
            if name == "right only":
                seen["right"] = heard("right", "plughw:CARD=Device,DEV=1", "right")
                seen["left"] = heard("left", "plughw:CARD=Device,DEV=1", "left")
    tone = (BENCH / "tone.raw").read_bytes()
    for rate, form, channels in ((44_100, "S16_LE", 2), (16_000, "S32_LE", 2)):
        target = str(BENCH / f"played-{rate}.raw")
        form_of = ["-f", form, "-r", str(rate), "-c", str(channels), "-t", "raw"]
        with other_end("c", 1, "arecord", "-q", "-D", "hw:CARD=Device,DEV=1", *form_of, target):
            seen[f"warning at {rate}"] = plays("plughw:CARD=Device,DEV=0", tone)
    cards(TWO_SPEAKERS)
    seen["two speakers"] = plays(None)
    cards(HDMI_ONLY)
    seen["HDMI only, microphone"] = heard("none", None)
    seen["HDMI only, speaker"] = plays(None)
    seen["null by name"] = [opens("null"), plays("null")]
    tell("opened", seen)


if __name__ == "__main__":
    main()
