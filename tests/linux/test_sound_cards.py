"""Names of sound devices, with cards as Raspberry Pis list them: a name means the same card whatever number that has today."""

from __future__ import annotations

import re
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodycamd.errors import UnavailableError
from bodycamd.linux.sound_cards import Card, Chosen, Direction, cards_now, checked, no_card, parse_cards, resolve
from tests.kit.scale import only_in_full

HDMI, USB, JACK, I2S = (
    ("vc4hdmi", "vc4-hdmi - vc4-hdmi", ("MAI PCM i2s-hifi-0 : MAI PCM i2s-hifi-0 : playback 1",)),
    ("Device", "USB-Audio - USB Audio Device", ("USB Audio : USB Audio : playback 1 : capture 1",)),
    ("Headphones", "bcm2835_headpho - bcm2835 Headphones", ("bcm2835 Headphones : bcm2835 Headphones : playback 8",)),
    ("sndrpii2scard", "RPi-simple - snd_rpi_i2s_card", ("simple-card_codec_link snd-soc-dummy-dai-0 : : playback 1 : capture 1",)),
)


def listed(*cards: tuple[str, str, tuple[str, ...]]) -> tuple[Card, ...]:
    """As /proc/asound/cards and /proc/asound/pcm list them, in the order of their numbers."""
    lines, pcm = [], []
    for number, (id_, names, devices) in enumerate(cards):
        lines += [f"{number:2} [{id_:15}]: {names}", f"                      {names} at usb-3f980000.usb-1.2, full speed"]
        pcm += [f"{number:02}-{device:02}: {text}" for device, text in enumerate(devices)]
    return parse_cards("\n".join(lines) + "\n", "\n".join(pcm) + "\n")


ORDERS = [listed(*order) for order in permutations((HDMI, USB, JACK))]


@pytest.mark.parametrize("cards", ORDERS)
@pytest.mark.parametrize(
    ("name", "opened"),
    [
        ("plughw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"),
        ("hw:CARD=Device,DEV=0", "plughw:CARD=Device,DEV=0"),
        ("hw:CARD=Device", "plughw:CARD=Device,DEV=0"),
        ("hw:Device", "plughw:CARD=Device,DEV=0"),
        ("plughw:Device,0,0", "plughw:CARD=Device,DEV=0"),
        ("sysdefault:CARD=Device", "sysdefault:CARD=Device"),
        ("default:CARD=Device", "default:CARD=Device"),
        ("front:CARD=Device,DEV=0", "front:CARD=Device,DEV=0"),
        ("dsnoop:CARD=Device,DEV=0", 'plug:"dsnoop:CARD=Device,DEV=0"'),
        ("dmix:CARD=Device,DEV=0", 'plug:"dmix:CARD=Device,DEV=0"'),
        ("Device", "plughw:CARD=Device,DEV=0"),
        ("USB Audio Device", "plughw:CARD=Device,DEV=0"),
        ("USB Audio Device: USB Audio (hw:0,0)", "plughw:CARD=Device,DEV=0"),
        ("USB Audio Device: - (hw:7,0)", "plughw:CARD=Device,DEV=0"),
    ],
)
def test_a_name_means_the_same_card_whatever_its_number(name: str, opened: str, cards: tuple[Card, ...]) -> None:
    for direction in ("capture", "playback"):
        chosen = resolve(name, cards, direction)
        assert chosen.alsa == opened
        assert chosen.card is not None
        assert (chosen.card.id, str(chosen)) == ("Device", f"Device (USB Audio Device), {opened}")


def test_a_number_means_what_it_means_today() -> None:
    assert [resolve("hw:1,0", listed(*order), "playback").alsa for order in ((HDMI, USB), (USB, JACK))] == [
        "plughw:CARD=Device,DEV=0",
        "plughw:CARD=Headphones,DEV=0",
    ]


@pytest.mark.parametrize("cards", ORDERS)
def test_null_is_the_only_card_that_can_and_never_hdmi(cards: tuple[Card, ...]) -> None:
    assert resolve(None, cards, "capture").alsa == "plughw:CARD=Device,DEV=0", "the headphones cannot capture"
    with pytest.raises(UnavailableError) as refused:
        resolve(None, cards, "playback")
    assert "there are 2 sound cards, and no name says which to take" in str(refused.value)
    for told in ("plughw:CARD=Device,DEV=0", "plughw:CARD=Headphones,DEV=0", "HDMI: vc4hdmi"):
        assert told in str(refused.value)


@pytest.mark.parametrize("direction", ["capture", "playback"])
@pytest.mark.parametrize("cards", [listed(), listed(HDMI), listed(HDMI, ("vc4hdmi1", *HDMI[1:]))])
def test_null_without_a_card_is_refused(cards: tuple[Card, ...], direction: Direction) -> None:
    with pytest.raises(UnavailableError, match=r"there is no sound card to choose; for \w+ there is: nothing"):
        resolve(None, cards, direction)


def test_null_with_hdmi_first_takes_the_other_one() -> None:
    assert resolve(None, listed(HDMI, USB), "playback") == Chosen("plughw:CARD=Device,DEV=0", listed(HDMI, USB)[1])
    assert resolve(None, listed(HDMI, I2S), "capture").alsa == "plughw:CARD=sndrpii2scard,DEV=0"


@pytest.mark.parametrize(
    ("name", "direction", "reason"),
    [
        ("null", "playback", "ALSA's device that gives and takes nothing"),
        ("plug:null", "capture", "ALSA's device that gives and takes nothing"),
        ("plug:SLAVE=null", "playback", "gives and takes nothing"),
        ("plug:{SLAVE null}", "playback", "is no card's name"),
        ("plug:{ SLAVE { type null } }", "capture", "is no card's name"),
        ("plug", "playback", "is no card's name"),
        ("tee:default,/tmp/heard.wav,raw", "playback", "is no card's name"),
        ("tee:{SLAVE default FILE /tmp/heard.wav FORMAT raw}", "playback", "is no card's name"),
        ("file:/tmp/heard.wav", "playback", "into a file, a command or nothing"),
        ("file:|touch /tmp/ran", "playback", "is no card's name"),
        ("file:'|touch /tmp/ran',raw", "capture", "is no card's name"),
        ("shm:/tmp/socket", "playback", "is no card's name"),
        ("{type null}", "playback", "is no card's name"),
        ("empty:", "playback", "is no card's name"),
        ("hw:{CARD Device}", "playback", "by more than CARD, DEV and SUBDEV"),
        ("default:CARD=Device,SLAVE=null", "playback", "gives and takes nothing"),
        ("default:CARD=Device,FILE=x", "playback", "by more than CARD, DEV and SUBDEV"),
        ("pcm.null", "playback", "there is no sound card 'pcm.null'"),
        ("a b", "playback", "there is no sound card 'a b'"),
        ("x" * 1000 + " ", "playback", "there is no sound card 'x{59}…'"),
        ("plughw:CARD=Deivce,DEV=0", "capture", "there is no sound card 'Deivce'; for capture there is: plughw:CARD=Device,DEV=0"),
        ("hw:9", "capture", "there is no sound card '9'"),
        ("hw:CARD=vc4hdmi,DEV=0", "capture", r"vc4hdmi \(vc4-hdmi\) has no device for capture"),
        ("sysdefault:CARD=Headphones", "capture", "has no device for capture"),
        ("plughw:CARD=Device,DEV=2", "capture", "has no device 2 for capture, only 0"),
        ("plughw:CARD=Device,DEV=two", "capture", "DEV is a number"),
        ("hw:DEV=0", "capture", "there is no sound card ''"),
        ("Logitech: USB Audio (hw:1,0)", "capture", "there is no sound card 'Logitech'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_is_there(name: str, direction: Direction, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason) as refused:
        resolve(name, listed(HDMI, USB, JACK), direction)
    assert "plughw:CARD=Device,DEV=0 (USB Audio Device)" in str(refused.value)


def test_two_cards_of_one_name_are_told_apart_by_their_ids() -> None:
    cards = listed(USB, ("Device_1", *USB[1:]))
    assert resolve("Device_1", cards, "capture").alsa == "plughw:CARD=Device_1,DEV=0"
    for name in ("USB Audio Device", "USB Audio Device: USB Audio (hw:1,0)"):
        with pytest.raises(UnavailableError, match="2 sound cards are called 'USB Audio Device'"):
            resolve(name, cards, "capture")


def test_a_name_that_says_no_card_is_looked_at_once_it_is_open() -> None:
    cards = listed(HDMI, USB)
    chosen = resolve("default", cards, "playback")
    assert chosen == Chosen("default", None)
    with pytest.raises(UnavailableError, match=r"'default' is vc4hdmi \(vc4-hdmi\) here, an HDMI output; for playback there is: plughw:"):
        checked(chosen, 0, cards, "playback")
    assert str(checked(chosen, 1, cards, "playback")) == "Device (USB Audio Device), default"
    assert str(checked(chosen, None, cards, "playback")) == "default", "a sound server has no card"
    named = resolve("plughw:CARD=vc4hdmi", cards, "playback")
    assert checked(named, 0, cards, "playback") == named, "who names HDMI gets it"


def test_the_kernels_files_and_their_absence(tmp_path: Path) -> None:
    assert cards_now(tmp_path) == ()
    (tmp_path / "cards").write_text("--- no soundcards ---\n")
    (tmp_path / "pcm").write_text("")
    assert cards_now(tmp_path) == ()
    (tmp_path / "cards").write_bytes(b" 0 [Device         ]: USB-Audio - \xff\x1b[2J\n                      x\n")
    (tmp_path / "pcm").write_text("00-00: USB Audio : USB Audio : capture 1\n")
    (card,) = cards_now(tmp_path)
    assert (card.id, card.capture, card.playback) == ("Device", (0,), ())
    assert re.search(r"[\x00-\x1f]", str(card)) is None


@only_in_full
@given(st.text(), st.sampled_from(["capture", "playback"]), st.sampled_from(ORDERS))
def test_any_word_is_a_device_or_a_refusal(name: str, direction: Direction, cards: tuple[Card, ...]) -> None:
    with suppress(UnavailableError):
        chosen = resolve(name, cards, direction)
        assert chosen.card is None or chosen.card.devices(direction)
        assert no_card(name) is None


PIECES = [
    "plug",
    "null",
    "file",
    "tee",
    "shm",
    "hw",
    "default",
    "Device",
    ":",
    "{",
    "}",
    "SLAVE=",
    "CARD=",
    ",",
    "|touch x",
    "'",
    '"',
    " ",
    "/x",
    ".",
]


@only_in_full
@given(st.lists(st.sampled_from(PIECES), max_size=6).map("".join), st.sampled_from(["capture", "playback"]))
def test_what_alsa_is_asked_for_is_a_card_or_a_bare_word(name: str, direction: Direction) -> None:
    """Never a definition, a file or a command: those are alsa-lib's arguments."""
    cards = listed(HDMI, USB, JACK)
    with suppress(UnavailableError):
        chosen = resolve(name, cards, direction)
        a_card = re.fullmatch(r"(plug:\")?\w+:CARD=(Device|Headphones|vc4hdmi)(,DEV=\d+)?\"?", chosen.alsa)
        assert a_card if chosen.card is not None else re.fullmatch(r"[A-Za-z0-9_-]+", chosen.alsa) and chosen.alsa not in ("null", "file")


def test_what_may_be_a_card_is_left_to_the_machine_that_has_it() -> None:
    """`config check` runs anywhere."""
    for name in ("default", "pulse", "pipewire", "chest_mic", "HDA Intel, PCH", "Sound Blaster Play! 3", "hw:9", "dsnoop:CARD=x,DEV=0"):
        assert no_card(name) is None
    assert no_card("USB Audio: - (hw:1,0)") is None


@only_in_full
@given(st.text(), st.text())
def test_any_text_in_the_kernels_files_is_read(cards: str, pcm: str) -> None:
    parse_cards(cards, pcm)
