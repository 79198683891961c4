"""Sound cards with the kernel's own drivers: the names that ALSA prints open whatever number a card has, null never takes HDMI, every rate,
format and side is recorded as what was played, and the warning is heard from cards that take neither 48 kHz nor mono. One boot; the job
collects, this judges."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.machine.virtual_machine import VirtualMachine, make_share

pytestmark = [pytest.mark.machine, pytest.mark.root, pytest.mark.timeout(900)]

HERTZ = 1000
AMPLITUDE = 8000
SECONDS = 8
FEEDS: dict[str, tuple[str, int, int, tuple[int, ...]]] = {
    # what is played into the card's other end: format, rate, channels, and the channels that have the tone
    "both": ("S16_LE", 48_000, 2, (0, 1)),
    "S32 stereo": ("S32_LE", 48_000, 2, (0, 1)),
    "four channels": ("S16_LE", 48_000, 4, (0, 1, 2, 3)),
    "four channels, S32, 16 kHz": ("S32_LE", 16_000, 4, (0, 1, 2, 3)),
    "44.1 kHz": ("S16_LE", 44_100, 2, (0, 1)),
    "16 kHz mono": ("S16_LE", 16_000, 1, (0,)),
    "right only": ("S32_LE", 48_000, 2, (1,)),
    "loud": ("S16_LE", 48_000, 2, (0, 1)),
}
CARD = "Device (Loopback), "


@dataclass(frozen=True, slots=True)
class Seen:
    """What the job told."""

    opened: dict[str, Any]
    share: Path

    def samples(self, name: str, form: str = "<i2") -> np.ndarray:
        return np.frombuffer((self.share / f"{name}.raw").read_bytes(), form).astype(float)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, machine: VirtualMachine) -> Iterator[Seen]:
    share = make_share(tmp_path_factory.mktemp("sound"), "device_id: camera-machine\n")
    feeds = {}
    for number, (name, (form, rate, channels, sounding)) in enumerate(FEEDS.items()):
        kind, scale = ("<i2", 1) if form == "S16_LE" else ("<i4", 65536)
        samples = np.zeros((rate * SECONDS, channels))
        samples[:, sounding] = (AMPLITUDE * scale * np.sin(2 * np.pi * HERTZ * np.arange(rate * SECONDS) / rate))[:, None]
        (share / f"feed-{number}.raw").write_bytes(samples.astype(kind).tobytes())
        feeds[name] = {"format": form, "rate": rate, "channels": channels, "file": f"feed-{number}.raw"}
    (share / "feeds.json").write_text(json.dumps(feeds))
    tone = AMPLITUDE * np.sin(2 * np.pi * HERTZ * np.arange(72_000) / 48_000)
    (share / "tone.raw").write_bytes(tone.astype("<i2").tobytes())
    said = machine.run(share, "sound", seconds=600)
    assert (share / "opened.json").exists(), said[-4000:]
    yield Seen(json.loads((share / "opened.json").read_text()), share)
    shutil.rmtree(share)


def tone_in(samples: np.ndarray, rate: int = 48_000) -> tuple[float, float]:
    """Pitch in Hz and amplitude of the 40 ms with most of one pitch: an emulated machine beside others misses much of the rest."""
    length = rate // 25
    parts = (samples[at : at + length] for at in range(0, len(samples) - length + 1, length // 4))
    spectra = [np.abs(np.fft.rfft(part * np.hanning(length))) / (length / 4) for part in parts]
    purest = max(spectra, key=lambda spectrum: float(np.max(spectrum)))
    return int(np.argmax(purest)) * rate / length, float(np.max(purest))


@pytest.mark.parametrize("place", ["first", "last"])
def test_what_alsa_prints_opens_and_is_the_same_card_whatever_its_number(seen: Seen, place: str) -> None:
    assert f"{1 if place == 'first' else 0} [Device " in seen.opened[f"cards, HDMI {place}"]
    for kind, names in (
        ("named", ("hw", "plughw", "sysdefault", "default", "dsnoop", "front")),
        ("played", ("hw", "plughw", "sysdefault", "default", "dmix", "front")),
    ):
        told: dict[str, str] = seen.opened[f"{kind}, HDMI {place}"]
        of_card = {name: said for name, said in told.items() if ":CARD=Device" in name}
        assert {name.split(":")[0] for name in of_card} == set(names)
        for name, said in {**of_card, "Device": told["Device"], "Loopback": told["Loopback"]}.items():
            assert said.startswith(CARD), (name, said)
    assert seen.opened[f"played, HDMI {place}"]["hw:0,0"].startswith(
        CARD if place == "last" else "vc4hdmi (Dummy), plughw:CARD=vc4hdmi,DEV=0"
    )


@pytest.mark.parametrize("place", ["first", "last"])
def test_null_is_the_card_that_is_not_hdmi(seen: Seen, place: str) -> None:
    assert seen.opened[f"null, HDMI {place}"] == f"{CARD}plughw:CARD=Device,DEV=0"
    assert seen.opened[f"null speaker, HDMI {place}"] == f"{CARD}plughw:CARD=Device,DEV=0"
    assert tone_in(seen.samples(f"null-{place}")) == pytest.approx((HERTZ, AMPLITUDE), rel=0.05)


def test_null_is_refused_where_it_could_mean_two_cards_or_none(seen: Seen) -> None:
    assert "there are 2 sound cards, and no name says which to take" in seen.opened["two speakers"]
    for name in ("plughw:CARD=Device,DEV=0", "plughw:CARD=Headphones,DEV=0", "HDMI: vc4hdmi"):
        assert name in seen.opened["two speakers"]
    for part in ("microphone", "speaker"):
        assert f"refused: {part}.device null: there is no sound card to choose" in seen.opened[f"HDMI only, {part}"]
    assert all("ALSA's device that gives and takes nothing" in said for said in seen.opened["null by name"])


@pytest.mark.parametrize("feed", [name for name in FEEDS if name not in ("right only", "loud")])
def test_every_rate_format_and_number_of_channels_is_recorded_as_it_was_played(seen: Seen, feed: str) -> None:
    rate = FEEDS[feed][1]
    assert seen.opened[feed] == f"{CARD}plughw:CARD=Device,DEV=1" + (f", {rate} Hz" if rate != 48_000 else "")
    assert tone_in(seen.samples(feed)) == pytest.approx((HERTZ, AMPLITUDE), rel=0.05)


def test_a_microphone_on_the_right_side_only(seen: Seen) -> None:
    assert tone_in(seen.samples("right")) == pytest.approx((HERTZ, AMPLITUDE), rel=0.05)
    assert tone_in(seen.samples("right only")) == pytest.approx((HERTZ, AMPLITUDE / 2), rel=0.03), "the mean of both sides"
    assert not seen.samples("left").any(), "the other side is digital silence"


def test_a_gain(seen: Seen) -> None:
    assert tone_in(seen.samples("loud")) == pytest.approx((HERTZ, AMPLITUDE * 10 ** (6 / 20)), rel=0.03)


@pytest.mark.parametrize(("rate", "form", "scale"), [(44_100, "<i2", 1), (16_000, "<i4", 65536)])
def test_a_warning_is_heard_from_a_card_that_takes_another_rate_and_stereo_only(seen: Seen, rate: int, form: str, scale: int) -> None:
    assert seen.opened[f"warning at {rate}"] == f"{CARD}plughw:CARD=Device,DEV=0"
    played = seen.samples(f"played-{rate}", form)
    for side in (0, 1):
        assert tone_in(played[: len(played) // 2 * 2].reshape(-1, 2)[:, side] / scale, rate) == pytest.approx((HERTZ, AMPLITUDE), rel=0.05)
