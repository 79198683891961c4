"""What no single key can tell: contradictions between keys, and the files that the configuration names.

Each problem is `key.path: reason; allowed: …`, on one line. Contradictions are found without touching a disk, so that a configuration can
be judged anywhere; the files are looked at separately. Recipients are judged by who may import age: `bodycamd config check`, and the
capture worker at the start.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bodycamd.config import timezone
from bodycamd.config.private_keys import WHAT_TO_DO, line_of_private_key
from bodycamd.config.strict_yaml import MAX_SHOWN
from bodycamd.config.timezone import find_timezone
from bodycamd.config.warning_sound import MAX_SECONDS, MIN_SECONDS
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.errors import BodycamError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import read_named

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

CUSHION_SECONDS = 8
"""What the ring must hold beyond the pre-event buffer and two GOPs, so that a slow card costs nothing."""

SEALED_SHARE = 1.1
"""Sealed bytes per encoded byte: container, age, and the encoder's swing around its bit rate."""

LONGEST_SOCKET_PATH_BYTES = 107
STATUTORY_DAYS = 28
MAX_RECIPIENTS_BYTES = 64 * 1024


def contradictions(config: Config) -> Iterator[str]:
    """Every pair of keys that cannot both be meant."""
    yield from _policy(config)
    yield from _sources(config)
    yield from _pins(config)
    yield from _ring(config, 0.0)
    yield from _paths(config)


def file_problems(config: Config) -> Iterator[str]:
    """Every file that is named and missing, unreadable, or not what is needed."""
    yield from _private_key("keys.recipients", config.keys.recipients, "a readable file of age recipients")
    for key, path in (("video.file", config.video.file), ("microphone.file", config.microphone.file)):
        if path is not None:
            yield from _unreadable(key, path, "a readable film" if key == "video.file" else "a readable WAV file")
    yield from _timezone(config)
    yield from _warning(config)


def _policy(config: Config) -> Iterator[str]:
    if config.pre_event_seconds > 0 and not config.record_warning:
        yield (
            "record_warning: false contradicts pre_event_seconds: the time before the press would be kept, "
            "the warning that follows it not; allowed: record_warning: true, or pre_event_seconds: 0"
        )
    if config.pre_event_audio and config.pre_event_seconds == 0:
        yield "pre_event_audio: true, but there is no pre-event buffer; allowed: false, or pre_event_seconds from 1 to 120"
    if config.pre_event_audio and not config.audio:
        yield "pre_event_audio: true contradicts audio: false; allowed: pre_event_audio: false, or audio: true"
    if config.retention.days > STATUTORY_DAYS and not (config.retention.legal_basis or "").strip():
        beside = f"1 to {STATUTORY_DAYS}, or retention.legal_basis beside it"
        yield f"retention.days: {config.retention.days} days need a legal basis; allowed: {beside}"
    battery = config.board.battery
    if battery.critical_percent >= battery.low_percent:
        below = battery.low_percent - 1
        yield f"board.battery.critical_percent: {battery.critical_percent} is not below low_percent; allowed: 1 to {below}"
    if config.control.group == config.control.admin_group:
        yield "control.admin_group: the same group as control.group, so everybody could place holds; allowed: another group"


def _sources(config: Config) -> Iterator[str]:
    for key, section in (("video", config.video), ("microphone", config.microphone)):
        if section.source == "file" and section.file is None:
            yield f"{key}.file: missing, but {key}.source is file; allowed: the path of a file"
        if section.source != "file" and section.file is not None:
            yield f"{key}.file: given, but {key}.source is {section.source}; allowed: null, or {key}.source: file"
    simulated = [k for k, v in (("board.adapter", config.board.adapter), ("speaker.output", config.speaker.output)) if v == "simulated"]
    if simulated and config.simulation_directory is None:
        yield f"simulation_directory: missing, but {simulated[0]} is simulated; allowed: the path of a folder"
    if not simulated and config.simulation_directory is not None:
        yield "simulation_directory: given, but nothing is simulated; allowed: null, or board.adapter: simulated"
    frames = config.video.gop_seconds * config.video.frame_rate
    if abs(frames - round(frames)) > 1e-6:
        rate = f"{config.video.gop_seconds} s at {config.video.frame_rate} frames/s"
        yield f"video.gop_seconds: {rate} is not a whole number of frames; allowed: a whole one"
    if config.storage.segment_seconds < 10 * config.video.gop_seconds:
        yield f"storage.segment_seconds: shorter than ten GOPs of video.gop_seconds; allowed: {round(10 * config.video.gop_seconds)} to 300"


def _pins(config: Config) -> Iterator[str]:
    gpio = config.board.gpio
    taken: dict[int, str] = {}
    for part, pin in (("button", gpio.button), ("led", gpio.led), ("ready_led", gpio.ready_led), ("haptic", gpio.haptic)):
        if pin is not None and pin in taken:
            yield f"board.gpio.{part}: pin {pin} is already the pin of {taken[pin]}; allowed: a pin of its own"
        elif pin is not None:
            taken[pin] = part


def _ring(config: Config, warning_seconds: float) -> Iterator[str]:
    kept = config.pre_event_seconds + (warning_seconds if config.record_warning else 0.0)
    needed = kept + 2 * config.video.gop_seconds + CUSHION_SECONDS
    what = "pre_event_seconds, the warning, two GOPs" if warning_seconds else "pre_event_seconds, two GOPs"
    if config.ring.seconds < needed:
        least = _ceil(needed)
        yield f"ring.seconds: {config.ring.seconds} s do not hold {what} and {CUSHION_SECONDS} s of cushion; allowed: {least} to 300"
    rate = config.video.bit_rate + (config.microphone.bit_rate if config.audio else 0)
    megabytes = _ceil(rate / 8 * needed * SEALED_SHARE / 1e6)
    if config.ring.megabytes < megabytes:
        reason = f"{config.ring.megabytes} MB do not hold {needed:.0f} s at {rate} bit/s"
        yield f"ring.megabytes: {reason}; allowed: {megabytes} to 512, or a lower bit rate"


def _paths(config: Config) -> Iterator[str]:
    if (length := len(os.fsencode(config.control.socket))) > LONGEST_SOCKET_PATH_BYTES:
        reason = f"the path {config.control.socket} has {length} bytes"
        yield f"control.socket: {reason}; allowed: at most {LONGEST_SOCKET_PATH_BYTES}, in a folder with a shorter name"
    store, signing = os.path.normpath(config.storage.directory), os.path.normpath(config.keys.signing)
    if os.path.commonpath([store, signing]) in (store, signing):
        yield "keys.signing: lies inside storage.directory, or around it; allowed: a folder beside it"


def _unreadable(key: str, path: str, wanted: str) -> Iterator[str]:
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield f"{key}: {path} is not a file; allowed: {wanted}"
    except OSError as error:
        yield f"{key}: {path}: {error.strerror or error}; allowed: {wanted}"


def _private_key(key: str, path: str, wanted: str) -> Iterator[str]:
    try:
        line = line_of_private_key(read_named(Path(path), MAX_RECIPIENTS_BYTES))
    except BodycamError as error:
        yield f"{key}: {error}; allowed: {wanted}"
        return
    if line is not None:
        yield f"{key}: {path}: line {line}: {WHAT_TO_DO}"


def _timezone(config: Config) -> Iterator[str]:
    """The names are those of this machine's database, which is files too."""
    if find_timezone(config.timezone) is None:
        yield f"timezone: no time zone is called {shown(config.timezone, MAX_SHOWN)}; allowed: {timezone.ALLOWED}"


def _warning(config: Config) -> Iterator[str]:
    try:
        seconds = load_warning(Path(str(config.warning.file))).seconds
    except BodycamError as error:
        yield f"warning.file: {error}; allowed: a WAV file, PCM 16 bit, 48 kHz, mono or stereo, {MIN_SECONDS} to {MAX_SECONDS} s"
        return
    yield from _ring(config, seconds)


def _ceil(value: float) -> int:
    return int(-(-value // 1))
