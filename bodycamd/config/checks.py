"""What no single key can tell: contradictions between keys, and the files that the configuration names.

Contradictions are found without touching a disk, so that a configuration can be judged anywhere; the files are looked at separately.
Recipients are judged by who may import age: `bodycamd config check`, and the capture worker at the start.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from bodycamd.config import timezone
from bodycamd.config.board_checks import board_contradictions, board_doubts
from bodycamd.config.private_keys import WHAT_TO_DO, line_of_private_key
from bodycamd.config.problems import Problem
from bodycamd.config.station_checks import station_contradictions
from bodycamd.config.strict_yaml import MAX_SHOWN
from bodycamd.config.timezone import find_timezone
from bodycamd.config.warning_sound import MAX_SECONDS, MIN_SECONDS
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.errors import BodycamError
from bodycamd.foreign_text import shown
from bodycamd.linux.foreign import kind_of, read_named
from bodycamd.linux.sound_cards import no_card

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

SHIPPED_DEVICE_ID = "camera-01"
CUSHION_SECONDS = 8
"""What the ring must hold beyond the pre-event buffer and two GOPs, so that a slow card costs nothing."""

SEALED_SHARE = 1.1
"""Sealed bytes per encoded byte: container, age, and the encoder's swing around its bit rate."""

LONGEST_SOCKET_PATH_BYTES = 107
STATUTORY_DAYS = 28
MAX_RECIPIENTS_BYTES = 64 * 1024
TUNING_FOLDERS = ("/usr/local/share/libcamera/ipa/rpi", "/usr/share/libcamera/ipa/rpi")
"""Where libcamera's own tuning files are, in a folder for each of the Pi's platforms (`vc4`, `pisp`); picamera2 looks there too."""
NO_SUCH_PLACE = (errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
"""Errors of a path that no disk has."""


def contradictions(config: Config) -> Iterator[Problem]:
    """Every pair of keys that cannot both be meant."""
    yield from _policy(config)
    yield from _sources(config)
    yield from _sound(config)
    yield from board_contradictions(config)
    yield from _view(config)
    yield from _ring(config, 0.0)
    yield from _paths(config)
    yield from station_contradictions(config)


def file_problems(config: Config) -> Iterator[Problem]:
    """Every file that is named and missing, unreadable, or not what is needed; every place for something to be made that is taken by
    another kind of thing."""
    yield from _private_key("keys.recipients", config.keys.recipients, "a readable file of age recipients")
    for key, path in (("keys.root", config.keys.root), ("keys.roster", config.keys.roster)):
        if path is not None:
            yield from _unreadable(key, path, "a readable file, as the card brings it")
    if config.station.ca is not None:
        yield from _unreadable("station.ca", config.station.ca, "a readable file of certificates (PEM)")
    for key, path in (("video.file", config.video.file), ("microphone.file", config.microphone.file)):
        if path is not None:
            yield from _unreadable(key, path, "a readable film" if key == "video.file" else "a readable WAV file")
    yield from _tuning_file(config.video.tuning_file)
    yield from unknown_timezone(config.timezone)
    yield from _warning(config)
    yield from _taken("storage.directory", config.storage.directory, stat.S_IFDIR, "a folder, or a new name")
    yield from _taken("keys.signing", config.keys.signing, stat.S_IFDIR, "the folder of the signing keys")
    yield from _taken("control.socket", config.control.socket, stat.S_IFSOCK, "a new name in a folder")
    if config.simulation_directory is not None:
        yield from _taken("simulation_directory", config.simulation_directory, stat.S_IFDIR, "a folder that exists", missing=True)


def doubts(config: Config) -> Iterator[Problem]:
    """What may be meant, and mostly is not: to be told, not refused."""
    if config.device_id == SHIPPED_DEVICE_ID:
        reason = f"{SHIPPED_DEVICE_ID} is the name in the shipped file: two cameras of one name cannot be told apart"
        yield Problem("device_id", reason, "a name of its own for each camera")
    yield from board_doubts(config)
    from bodycamd.config.modules import disagreements  # the camera's start needs no table of modules

    yield from disagreements(config)


def _policy(config: Config) -> Iterator[Problem]:
    if config.pre_event_seconds > 0 and not config.record_warning:
        reason = "false contradicts pre_event_seconds: the time before the press would be kept, the warning that follows it not"
        yield Problem("record_warning", reason, "record_warning: true, or pre_event_seconds: 0", others=("pre_event_seconds",))
    if config.pre_event_audio and config.pre_event_seconds == 0:
        reason = "true, but there is no pre-event buffer"
        yield Problem("pre_event_audio", reason, "false, or pre_event_seconds from 1 to 120", others=("pre_event_seconds",))
    if config.pre_event_audio and not config.audio:
        yield Problem("pre_event_audio", "true contradicts audio: false", "pre_event_audio: false, or audio: true", others=("audio",))
    if config.retention.days > STATUTORY_DAYS and not (config.retention.legal_basis or "").strip():
        beside = f"1 to {STATUTORY_DAYS}, or retention.legal_basis beside it"
        reason = f"{config.retention.days} days need a legal basis"
        yield Problem("retention.days", reason, beside, others=("retention.legal_basis",))
    if (config.keys.root is None) != (config.keys.roster is None):
        missing, there = ("root", "roster") if config.keys.root is None else ("roster", "root")
        yield Problem(f"keys.{missing}", f"missing, but keys.{there} is given", "both files, or neither", others=(f"keys.{there}",))
    if config.control.group == config.control.admin_group:
        reason = "the same group as control.group, so everybody could place holds"
        yield Problem("control.admin_group", reason, "another group", others=("control.group",))


def _sources(config: Config) -> Iterator[Problem]:
    for key, section in (("video", config.video), ("microphone", config.microphone)):
        source = (f"{key}.source",)
        if section.source == "file" and section.file is None:
            yield Problem(f"{key}.file", f"missing, but {key}.source is file", "the path of a file", others=source)
        if section.source != "file" and section.file is not None:
            reason = f"given, but {key}.source is {section.source}"
            yield Problem(f"{key}.file", reason, f"null, or {key}.source: file", others=source)
    simulated = [k for k, v in (("board.adapter", config.board.adapter), ("speaker.output", config.speaker.output)) if v == "simulated"]
    parts = ("board.adapter", "speaker.output")
    if simulated and config.simulation_directory is None:
        yield Problem("simulation_directory", f"missing, but {simulated[0]} is simulated", "the path of a folder", others=parts)
    if not simulated and config.simulation_directory is not None:
        yield Problem("simulation_directory", "given, but nothing is simulated", "null, or board.adapter: simulated", others=parts)
    frames = config.video.gop_seconds * config.video.frame_rate
    if abs(frames - round(frames)) > 1e-6:
        rate = f"{config.video.gop_seconds} s at {config.video.frame_rate} frames/s"
        yield Problem("video.gop_seconds", f"{rate} is not a whole number of frames", "a whole one", others=("video.frame_rate",))
    if config.storage.segment_seconds < 10 * config.video.gop_seconds:
        allowed = f"{round(10 * config.video.gop_seconds)} to 300"
        yield Problem("storage.segment_seconds", "shorter than ten GOPs of video.gop_seconds", allowed, others=("video.gop_seconds",))


def _sound(config: Config) -> Iterator[Problem]:
    """Names that are no sound card's anywhere. Which cards there are is not looked at."""
    for key, device, program in (
        ("microphone.device", config.microphone.device, "arecord -L"),
        ("speaker.device", config.speaker.device, "aplay -L"),
    ):
        if device is not None and (why := no_card(device)) is not None:
            yield Problem(key, why, f"a card's name of `{program}`, such as plughw:CARD=Device,DEV=0, its id, or null")


def _view(config: Config) -> Iterator[Problem]:
    """What only a camera module can do, and rates that contradict each other."""
    video = config.video
    if video.night_frame_rate is not None and video.night_frame_rate >= video.frame_rate:
        reason = f"{video.night_frame_rate} is not below video.frame_rate"
        allowed = f"5 to {video.frame_rate - 1}, or null" if video.frame_rate > 5 else "null"
        yield Problem("video.night_frame_rate", reason, allowed, others=("video.frame_rate",))
    set_to = {name: getattr(video, name) for name in ("night_frame_rate", "rotation", "flip", "focus", "tuning_file")}
    for name, value in set_to.items():
        if video.source != "picamera2" and value not in (None, 0):
            reason = f"given, but video.source is {video.source}: only a camera module can do this"
            yield Problem(f"video.{name}", reason, "0" if name == "rotation" else "null", others=("video.source",))
    if video.tuning_file is not None and "/" in video.tuning_file and not video.tuning_file.startswith("/"):
        reason = f"{shown(video.tuning_file, MAX_SHOWN)} is neither a name nor an absolute path"
        yield Problem("video.tuning_file", reason, "a name without /, or a path that begins with /")


_RING = ("pre_event_seconds", "record_warning", "video.gop_seconds", "video.bit_rate", "microphone.bit_rate", "audio")


def _ring(config: Config, warning_seconds: float) -> Iterator[Problem]:
    kept = config.pre_event_seconds + (warning_seconds if config.record_warning else 0.0)
    needed = kept + 2 * config.video.gop_seconds + CUSHION_SECONDS
    what = "pre_event_seconds, the warning, two GOPs" if warning_seconds else "pre_event_seconds, two GOPs"
    if config.ring.seconds < needed:
        reason = f"{config.ring.seconds} s do not hold {what} and {CUSHION_SECONDS} s of cushion"
        yield Problem("ring.seconds", reason, f"{_ceil(needed)} to 300", others=_RING)
    rate = config.video.bit_rate + (config.microphone.bit_rate if config.audio else 0)
    megabytes = _ceil(rate / 8 * needed * SEALED_SHARE / 1e6)
    if config.ring.megabytes < megabytes:
        reason = f"{config.ring.megabytes} MB do not hold {needed:.0f} s at {rate} bit/s"
        yield Problem("ring.megabytes", reason, f"{megabytes} to 512, or a lower bit rate", others=_RING)


def _paths(config: Config) -> Iterator[Problem]:
    for key, path in (
        ("control.socket", config.control.socket),
        ("board.sensors", config.board.sensors),
        ("board.cards", config.board.cards),
    ):
        if (length := len(os.fsencode(path))) > LONGEST_SOCKET_PATH_BYTES:
            allowed = f"at most {LONGEST_SOCKET_PATH_BYTES}, in a folder with a shorter name"
            yield Problem(key, f"the path {path} has {length} bytes", allowed)
    store, signing = os.path.normpath(config.storage.directory), os.path.normpath(config.keys.signing)
    if os.path.commonpath([store, signing]) in (store, signing):
        others = ("storage.directory",)
        yield Problem("keys.signing", "lies inside storage.directory, or around it", "a folder beside it", others=others)
    trace = os.path.normpath(config.control.trace) if config.control.trace is not None else None
    if trace is not None and os.path.commonpath([store, trace]) == store:
        yield Problem("control.trace", "lies inside storage.directory", "a file beside it", others=("storage.directory",))


def _unreadable(key: str, path: str, wanted: str) -> Iterator[Problem]:
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                yield Problem(key, f"{path} is not a file", wanted)
    except OSError as error:
        yield Problem(key, f"{path}: {error.strerror or error}", wanted)


def _tuning_file(name: str | None) -> Iterator[Problem]:
    """A shipped one can only be missed where libcamera's files are: on a Raspberry Pi."""
    if name is None:
        return
    if "/" in name:
        yield from _unreadable("video.tuning_file", name, "a readable tuning file of libcamera")
        return
    folders = [folder for path in TUNING_FOLDERS for folder in sorted(Path(path).glob("*")) if folder.is_dir()]
    if folders and not any((folder / name).is_file() for folder in folders):
        looked = ", ".join(map(str, folders))
        yield Problem("video.tuning_file", f"there is no {shown(name, MAX_SHOWN)} in {looked}", "the name of a file there, or null")


def _taken(key: str, path: str, kind: int, wanted: str, *, missing: bool = False) -> Iterator[Problem]:
    """Where something else than the `kind` stands at a path, or a file where a folder above it must be; where nothing stands, if that is
    a problem. Not judged: what this user may not look at, the daemon's may; a disk that fails, which is no mistake in the file."""
    try:
        found = os.stat(path).st_mode
    except OSError as error:
        if error.errno in NO_SUCH_PLACE or (missing and error.errno == errno.ENOENT):
            yield Problem(key, f"{path}: {error.strerror}", wanted)
        return
    if stat.S_IFMT(found) != kind:
        yield Problem(key, f"{path}: {kind_of(found)} stands there", wanted)


def _private_key(key: str, path: str, wanted: str) -> Iterator[Problem]:
    try:
        line = line_of_private_key(read_named(Path(path), MAX_RECIPIENTS_BYTES))
    except BodycamError as error:
        yield Problem(key, str(error), wanted)
        return
    if line is not None:
        yield Problem(key, f"{path}: line {line}: {WHAT_TO_DO}", "")


def unknown_timezone(name: str) -> Iterator[Problem]:
    """Where no time zone has this name. The names are those of this machine's database, which is files too."""
    if find_timezone(name) is None:
        yield Problem("timezone", f"no time zone is called {shown(name, MAX_SHOWN)}", timezone.ALLOWED)


def _warning(config: Config) -> Iterator[Problem]:
    try:
        seconds = load_warning(Path(str(config.warning.file))).seconds
    except BodycamError as error:
        yield Problem("warning.file", str(error), f"a WAV file, PCM 16 bit, 48 kHz, mono or stereo, {MIN_SECONDS} to {MAX_SECONDS} s")
        return
    yield from _ring(config, seconds)


def _ceil(value: float) -> int:
    return int(-(-value // 1))
