"""Which sound device a name means, with the sound cards that are there now.

Cards change their numbers from boot to boot and when one is plugged in, so a name is resolved each time a device is opened, and what is
opened is named by the card's id, which the kernel keeps unique.

What is taken as a name (`arecord -L` and `aplay -L` print most of them):

- `plughw:CARD=Device,DEV=0`, `hw:CARD=Device,DEV=0`, `hw:Device`, `hw:1,0`: the card itself, with its samples converted to what is needed;
- `dsnoop:CARD=…`, `dmix:CARD=…`, `sysdefault:CARD=…`, `default:CARD=…`, `front:CARD=…` and the like: that device of alsa-lib;
- a card's id or name as `/proc/asound/cards` has them (`Device`, `USB Audio Device`), and `USB Audio Device: USB Audio (hw:1,0)`, as
  PortAudio prints it: the card's number in it is not looked at;
- a word without arguments is left to alsa-lib: `default`, `pulse`, a device of /etc/asound.conf;
- `None`: the only card that is not HDMI. None of them, or several, is a refusal that names them.

Everything else that alsa-lib would take is refused, because it is no sound card: `null` swallows a warning and records a silence that
nobody ordered; `tee:…` and `file:…` write what is heard to a file, and `file:|…` runs a command; a definition in the name itself (`{…}`,
`plug:SLAVE=…`) may hold any of them. Where a device of /etc/asound.conf leads is that file's matter, which only root writes.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from bodycamd.errors import UnavailableError
from bodycamd.foreign_text import shown

Direction = Literal["capture", "playback"]

LONGEST_SHOWN: Final = 60
"""Characters of a name in a message."""
ASOUND: Final = Path("/proc/asound")
_CARD: Final = r" *(\d+) \[(.*?) *\]: (.*?) - (.*)"
_PCM: Final = r"(\d+)-(\d+): (.*)"
_PORTAUDIO: Final = r"(?P<card>.+): .* \(hw:\d+,(?P<device>\d+)\)"
_HARDWARE: Final = ("hw", "plughw")
_SHARED: Final = ("dsnoop", "dmix", "dshare")
_OF_A_CARD: Final = "(hw|plughw|dsnoop|dmix|dshare|sysdefault|default|front|rear|center_lfe|side|surround[0-9]+|iec958|spdif|hdmi):(.+)"
_ARGUMENT: Final = r"(?:(?:CARD|DEV|SUBDEV)=)?[^=:;|{}\[\]\"'\\/]+"
_ALIAS: Final = r"[A-Za-z0-9_-]+"
_NO_CARD: Final = frozenset({"null", "plug", "tee", "file", "shm", "empty", "multi", "share", "route", "linear", "rate", "hooks", "asym"})
"""Plugins of alsa-lib that are no card, and its devices of these names (alsa.conf)."""


class Card(Struct, frozen=True):
    """A sound card now: its number, its id and name, and the numbers of its devices that capture and that play, HDMI's apart."""

    number: int
    id: str
    name: str
    capture: tuple[int, ...] = ()
    playback: tuple[int, ...] = ()
    hdmi: tuple[int, ...] = ()

    def devices(self, direction: Direction) -> tuple[int, ...]:
        """Its devices of this direction, HDMI's too."""
        return self.capture if direction == "capture" else self.playback

    def apart_from_hdmi(self, direction: Direction) -> tuple[int, ...]:
        """Its devices of this direction that are not HDMI outputs."""
        return tuple(device for device in self.devices(direction) if device not in self.hdmi)

    def __str__(self) -> str:
        return f"{self.id} ({self.name})"


class Chosen(Struct, frozen=True):
    """A device to be opened: its name for alsa-lib, and its card where the name tells."""

    alsa: str
    card: Card | None

    def __str__(self) -> str:
        return f"{self.card}, {self.alsa}" if self.card is not None else self.alsa


def cards_now(folder: Path = ASOUND) -> tuple[Card, ...]:
    """The kernel's sound cards at this moment; none where it has no sound."""
    try:
        return parse_cards((folder / "cards").read_text("utf-8", "replace"), (folder / "pcm").read_text("utf-8", "replace"))
    except FileNotFoundError:
        return ()


def parse_cards(cards: str, pcm: str) -> tuple[Card, ...]:
    """The cards of `/proc/asound/cards` and `/proc/asound/pcm` (kernel: sound/core/init.c and pcm.c); lines of another kind say nothing."""
    devices = [
        (int(match[1]), int(match[2]), match[3].lower()) for line in pcm.splitlines() if (match := re.fullmatch(_PCM, line)) is not None
    ]
    found = []
    for line in cards.splitlines():
        if (match := re.fullmatch(_CARD, line)) is None:
            continue
        number, name = int(match[1]), shown(match[4].strip(), 80)
        own = [(device, text) for card, device, text in devices if card == number]
        hdmi = "hdmi" in f"{match[2]} {match[3]} {name}".lower()
        found.append(
            Card(
                number=number,
                id=match[2],
                name=name,
                capture=tuple(device for device, text in own if ": capture" in text),
                playback=tuple(device for device, text in own if ": playback" in text),
                hdmi=tuple(device for device, text in own if hdmi or "hdmi" in text),
            )
        )
    return tuple(found)


def resolve(name: str | None, cards: Sequence[Card], direction: Direction) -> Chosen:
    """What `name` means with these cards. Raises `UnavailableError`, which says what is there."""
    if name is None:
        return _only_one(cards, direction)
    if (why := no_card(name)) is not None:
        raise UnavailableError(f"{why}; {there(cards, direction)}")
    if (match := re.fullmatch(_PORTAUDIO, name)) is not None:
        return _hardware(_named(match["card"], cards, direction), int(match["device"]), cards, direction)
    if (match := re.fullmatch(_OF_A_CARD, name)) is not None:
        return _of_a_card(name, match[1], match[2], cards, direction)
    if any(name in (card.id, card.name) for card in cards):
        return _hardware(_named(name, cards, direction), None, cards, direction)
    if re.fullmatch(_ALIAS, name) is None:
        raise UnavailableError(f"there is no sound card '{shown(name, LONGEST_SHOWN)}'; {there(cards, direction)}")
    return Chosen(name, None)


def no_card(name: str) -> str | None:
    """Why `name` cannot be a sound card's, whatever cards there are; `None` where it can be."""
    written = f"'{shown(name, LONGEST_SHOWN)}'"
    if name == "null" or name.endswith((":null", "=null", '"null"', "'null'")):
        return f"{written} is ALSA's device that gives and takes nothing"
    if re.fullmatch(_PORTAUDIO, name) is not None:
        return None
    if (match := re.fullmatch(_OF_A_CARD, name)) is not None:
        fits = all(re.fullmatch(_ARGUMENT, argument) for argument in match[2].split(","))
        return None if fits else f"{written} names a card by more than CARD, DEV and SUBDEV"
    if name in _NO_CARD or any(sign in name for sign in ":{}=|\"'"):
        return f"{written} is no card's name: alsa-lib may play it into a file, a command or nothing"
    return None


def as_written(name: str | None) -> str:
    """The name as the configuration has it."""
    return "null" if name is None else f"'{shown(name, LONGEST_SHOWN)}'"


def checked(chosen: Chosen, number: int | None, cards: Sequence[Card], direction: Direction) -> Chosen:
    """`chosen`, once alsa-lib opened it on the card of this number (`None`: on none of its own), with that card.

    Raises `UnavailableError` where a name that says no card, such as `default`, came out at HDMI.
    """
    if chosen.card is not None:
        return chosen
    card = next((card for card in cards if card.number == number), None)
    if card is not None and not card.apart_from_hdmi(direction):
        raise UnavailableError(f"{chosen.alsa!r} is {card} here, an HDMI output; {there(cards, direction)}")
    return Chosen(chosen.alsa, card)


def not_opened(chosen: Chosen, error: OSError, cards: Sequence[Card], direction: Direction) -> UnavailableError:
    """Why alsa-lib did not open it, with what could be named instead."""
    why = "alsa-lib knows no such device" if error.errno == errno.ENOENT else f"{error.strerror}"
    return UnavailableError(f"{chosen}: {why}; {there(cards, direction)}")


def _only_one(cards: Sequence[Card], direction: Direction) -> Chosen:
    able = [card for card in cards if card.apart_from_hdmi(direction)]
    if len(able) == 1:
        return Chosen(_plughw(able[0], able[0].apart_from_hdmi(direction)[0]), able[0])
    problem = "there is no sound card to choose" if not able else f"there are {len(able)} sound cards, and no name says which to take"
    raise UnavailableError(f"{problem}; {there(cards, direction)}")


def _of_a_card(name: str, plugin: str, arguments: str, cards: Sequence[Card], direction: Direction) -> Chosen:
    parts = zip(("CARD", "DEV", "SUBDEV"), arguments.split(","), strict=False)
    named = dict((part.split("=", 1)[0], part.split("=", 1)[1]) if "=" in part else (key, part) for key, part in parts)
    card = _named(named.get("CARD", ""), cards, direction)
    number = named.get("DEV")
    if number is not None and not (number.isascii() and number.isdecimal()):
        raise UnavailableError(f"'{shown(name, LONGEST_SHOWN)}': DEV is a number; {there(cards, direction)}")
    if plugin in _HARDWARE:
        return _hardware(card, 0 if number is None else int(number), cards, direction)
    if not card.devices(direction):
        raise _unable(card, direction, cards)
    of_card = f"{plugin}:CARD={card.id}" + (f",DEV={number}" if number is not None else "")
    # dsnoop and dmix take only what the card itself takes.
    return Chosen(f'plug:"{of_card}"' if plugin in _SHARED else of_card, card)


def _hardware(card: Card, device: int | None, cards: Sequence[Card], direction: Direction) -> Chosen:
    able = card.devices(direction)
    if not able:
        raise _unable(card, direction, cards)
    if device is None:
        return Chosen(_plughw(card, able[0]), card)
    if device not in able:
        raise UnavailableError(
            f"{card} has no device {device} for {direction}, only {', '.join(map(str, able))}; {there(cards, direction)}"
        )
    return Chosen(_plughw(card, device), card)


def _named(word: str, cards: Sequence[Card], direction: Direction) -> Card:
    """The card of this number, id or name."""
    number = int(word) if word.isascii() and word.isdecimal() else None
    found = [card for card in cards if number == card.number or word == card.id] or [card for card in cards if word == card.name]
    if len(found) != 1:
        problem = "there is no sound card" if not found else f"{len(found)} sound cards are called"
        raise UnavailableError(f"{problem} '{shown(word, LONGEST_SHOWN)}'; {there(cards, direction)}")
    return found[0]


def _plughw(card: Card, device: int) -> str:
    return f"plughw:CARD={card.id},DEV={device}"


def _unable(card: Card, direction: Direction, cards: Sequence[Card]) -> UnavailableError:
    return UnavailableError(f"{card} has no device for {direction}; {there(cards, direction)}")


def there(cards: Sequence[Card], direction: Direction) -> str:
    """What could be named instead, in words."""
    able = [f"{_plughw(card, device)} ({card.name})" for card in cards for device in card.apart_from_hdmi(direction)]
    hdmi = [card.id for card in cards if card.devices(direction) and not card.apart_from_hdmi(direction)]
    told = f"for {direction} there is: {', '.join(able) or 'nothing'}"
    return told + (f"; and HDMI: {', '.join(hdmi)}" if hdmi else "")
