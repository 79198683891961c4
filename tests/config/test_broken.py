"""Broken configurations: each ends with exit code 78 and exactly one line: file, key, reason, what is allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from bodycamd.camera.daemon.__main__ import main as daemon
from bodycamd.cli.main import main
from bodycamd.linux import memory
from tests.config.conftest import GOOD, RECIPIENT, write_wav
from tests.kit.scale import one_in, only_in_full, sample


@dataclass(frozen=True)
class Broken:
    """`text` is the whole file; `named` are the words that the line must hold."""

    name: str
    text: bytes | str
    named: tuple[str, ...]
    before: Callable[[Path], object] = lambda folder: None
    mistakes: int = 1


def more(lines: str) -> str:
    return GOOD + lines + "\n"


DEEP = "a: " + "[" * 50_000
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n"

CASES = [
    # the file
    Broken("empty", "", ("empty",)),
    Broken("only comments", "# nothing\n", ("empty",)),
    Broken("a list", "- device_id: x\n", ("not a mapping",)),
    Broken("a word", "hello\n", ("not a mapping",)),
    Broken("not UTF-8", b"device_id: caf\xe9\n", ("line 1", "UTF-8")),
    Broken("UTF-16", "device_id: camera-01\n".encode("utf-16"), ("UTF-8",)),
    Broken("a NUL", b"device_id: a\x00b\n", ("U+0000",)),
    Broken("too large", GOOD + "#" * (256 * 1024), ("256 KiB",)),
    Broken("broken syntax", "device_id: [camera\nvideo: {", ("line ", "not YAML")),
    Broken("a tab", "video:\n\tsource: pattern\n", ("line 2", "not YAML")),
    # what YAML would allow
    Broken("key repeated", GOOD + "audio: true\naudio: false\n", ("audio", "line 4", "repeated")),
    Broken("key repeated below", more("video: {width: 640, width: 320}"), ("video.width", "repeated")),
    Broken("section repeated", GOOD + "video: {width: 640}\nvideo: {height: 480}\n", ("video", "repeated")),
    Broken("anchor", "device_id: &a camera-01\n", ("device_id", "anchor &a")),
    Broken("alias", "device_id: camera-01\nretention: {legal_basis: *a}\n", ("retention.legal_basis", "alias *a")),
    Broken("bomb", BOMB, ("a", "anchor"), mistakes=4),
    Broken("merge key", more("video: {<<: {width: 640}}"), ("video", "merge key")),
    Broken("tag", more("retention: {days: !!int 3}"), ("retention.days", "tag")),
    Broken("python tag", more("audio: !!python/object/apply:os.system [id]"), ("audio", "tag")),
    Broken("two documents", GOOD + "---\naudio: true\n", ("second document",)),
    Broken("directive", "%YAML 1.1\n---\n" + GOOD, ("directive",)),
    Broken("no as a boolean", more("audio: no"), ("audio", "no means", "true, false")),
    Broken("on as a boolean", more("record_warning: on"), ("record_warning", "on means")),
    Broken("Yes as a boolean", more("pre_event_audio: Yes"), ("pre_event_audio", "Yes means")),
    Broken("OFF as text", more("on_warning_failure: OFF"), ("on_warning_failure", "OFF means")),
    Broken("octal", more("board: {gpio: {button: 017}}"), ("board.gpio.button", "017")),
    Broken("hexadecimal", more("board: {gpio: {led: 0x1b}}"), ("board.gpio.led", "0x1b")),
    Broken("minutes", more("post_event_seconds: 1:30"), ("post_event_seconds", "1:30")),
    Broken("deep", DEEP, ("nested too deeply",)),
    Broken("key that is a list", GOOD + "? [a, b]\n: 1\n", ("plain word",)),
    Broken("line break in a value", 'device_id: "a\\nb"\n', ("device_id", "line break")),
    Broken("NUL by an escape", GOOD + 'speaker: {device: "a\\0b"}\n', ("line 3", "speaker.device", "control character")),
    Broken("half a character", GOOD + 'speaker: {device: "\\ud800x"}\n', ("line 3", "speaker.device", "U+D800")),
    Broken("half a character in a list", GOOD + 'retention: {legal_basis: ["\\udfff"]}\n', ("line 3", "retention.legal_basis", "U+DFFF")),
    Broken("half a character in a key", GOOD + '"a\\udc80": 1\n', ("line 3", "plain word")),
    Broken("an escape beyond Unicode", GOOD + 'speaker: {device: "\\U00110000"}\n', ("line 3", "escape of no character")),
    # keys, types, bounds
    Broken("device_id missing", "audio: true\n", ("device_id", "missing")),
    Broken("device_id null", "device_id: null\n", ("device_id", "null")),
    Broken("device_id with spaces", "device_id: camera 1\n", ("device_id", "letters")),
    Broken("device_id a path", "device_id: ../../etc\n", ("device_id",)),
    Broken("unknown key", more("pre_event_second: 3"), ("pre_event_second", "unknown key", "pre_event_seconds")),
    Broken("unknown key below", more("board: {gpio: {buton: 3}}"), ("board.gpio.buton", "unknown key", "button, button_to, led")),
    Broken("unknown section", more("upload: {url: x}"), ("upload", "unknown key")),
    Broken("text for a number", more("reminder_seconds: often"), ("reminder_seconds", "text", "10 to 3600")),
    Broken("quoted number", more('reminder_seconds: "120"'), ("reminder_seconds", "text")),
    Broken("number for a boolean", more("audio: 1"), ("audio", "whole number", "true or false")),
    Broken("boolean for a number", more("pre_event_seconds: true"), ("pre_event_seconds", "0 to 120")),
    Broken("fraction", more("pre_event_seconds: 1.5"), ("pre_event_seconds", "fraction")),
    Broken("not a number", more("gestures: {hold_seconds: .nan}"), ("gestures.hold_seconds", ".nan")),
    Broken("endless digits", more("post_event_seconds: " + "9" * 5000), ("post_event_seconds",)),
    Broken("list for a section", more("video: [640, 480]"), ("video", "a list", "a mapping of source")),
    Broken("null for a section", more("video:"), ("video", "null")),
    Broken("below its bounds", more("video: {bit_rate: 100}"), ("video.bit_rate", "200000 to 10000000")),
    Broken("above its bounds", more("pre_event_seconds: 121"), ("pre_event_seconds", "0 to 120")),
    Broken("odd width", more("video: {width: 641}"), ("video.width", "even")),
    Broken("no such choice", more("storage: {when_full: overwrite}"), ("storage.when_full", "overwrite", "allowed: overwrite_sent, stop")),
    Broken("empty text", 'device_id: a\nkeys: {recipients: ""}\n', ("keys.recipients",)),
    Broken("no such pin", more("board: {gpio: {haptic: 28}}"), ("board.gpio.haptic", "0 to 27 or null")),
    # contradictions
    Broken("pre-event without the warning", more("pre_event_seconds: 30"), ("record_warning", "pre_event_seconds: 0")),
    Broken("pre-event sound alone", more("pre_event_audio: true"), ("pre_event_audio", "pre_event_seconds")),
    Broken(
        "sound off and on",
        more("audio: false\npre_event_audio: true\npre_event_seconds: 3\nrecord_warning: true"),
        ("pre_event_audio", "audio: true"),
    ),
    Broken("duplicate pin", more("board: {gpio: {led: 17}}"), ("board.gpio.led", "17", "button")),
    Broken("duplicate optional pin", more("board: {gpio: {ready_led: 22}}"), ("board.gpio.ready_led", "22", "haptic")),
    Broken("no legal basis", more("retention: {days: 29}"), ("retention.days", "legal basis", "1 to 28")),
    Broken("blank legal basis", more('retention: {days: 90, legal_basis: "  "}'), ("retention.days", "legal basis")),
    Broken("film not named", more("video: {source: file}"), ("video.file", "missing")),
    Broken("film named for nothing", more("video: {file: a.h264}"), ("video.file", "picamera2")),
    Broken("night above day", more("video: {night_frame_rate: 30}"), ("video.night_frame_rate", "not below", "5 to 29, or null")),
    Broken("a quarter turn", more("video: {rotation: 90}"), ("video.rotation", "90", "0, 180")),
    Broken("both flips", more("video: {flip: both}"), ("video.flip", "both", "horizontal, vertical or null")),
    Broken("focus too near", more("video: {focus: 33}"), ("video.focus", "0 to 32")),
    Broken("focus by itself", more("video: {focus: auto}"), ("video.focus", "auto", "continuous")),
    Broken("a pattern turned", more("video: {source: pattern, rotation: 180}"), ("video.rotation", "pattern", "allowed: 0")),
    Broken("tuning beside the file", more("video: {tuning_file: tuning/x.json}"), ("video.tuning_file", "absolute path")),
    Broken("no such tuning file", more("video: {tuning_file: /nowhere/x.json}"), ("video.tuning_file", "/nowhere/x.json", "No such file")),
    Broken("no such module", more("video: {module: module-4}"), ("video.module", "module-4", "module-3")),
    Broken("no such Pi", more("board: {model: 4}"), ("board.model", "pi-4")),
    Broken("sound not named", more("microphone: {source: file}"), ("microphone.file", "missing")),
    Broken("simulated nowhere", more("board: {adapter: simulated}"), ("simulation_directory", "board.adapter")),
    Broken("simulated speaker nowhere", more("speaker: {output: simulated}"), ("simulation_directory", "speaker.output")),
    Broken("nothing simulated", more("simulation_directory: /tmp"), ("simulation_directory", "nothing is simulated")),
    Broken("ring too short", more("pre_event_seconds: 60\nrecord_warning: true\nring: {seconds: 60}"), ("ring.seconds", "70 to 300")),
    Broken("ring too small", more("pre_event_seconds: 120\nrecord_warning: true\nring: {megabytes: 64}"), ("ring.megabytes", "bit/s")),
    Broken("battery upside down", more("board: {battery: {low_percent: 10, critical_percent: 10}}"), ("critical_percent", "1 to 9")),
    Broken("short segments", more("video: {gop_seconds: 2.0}\nstorage: {segment_seconds: 10}"), ("storage.segment_seconds", "20 to 300")),
    Broken("half a frame", more("video: {frame_rate: 25, gop_seconds: 0.5}"), ("video.gop_seconds", "whole number of frames")),
    Broken("one group for all", more("control: {group: staff, admin_group: staff}"), ("control.admin_group",)),
    Broken("socket path too long", more(f"control: {{socket: /run/{'x' * 110}/s}}"), ("control.socket", "at most 107")),
    Broken("keys in the store", "device_id: a\nstorage: {directory: /data}\nkeys: {signing: /data/keys}\n", ("keys.signing", "inside")),
    # files
    Broken("no recipients file", "device_id: a\nkeys: {recipients: nobody.txt}\n", ("keys.recipients", "nobody.txt", "No such file")),
    Broken("recipients a folder", "device_id: a\nkeys: {recipients: warnings}\n", ("keys.recipients",)),
    Broken("no recipient", GOOD, ("keys.recipients", "no recipient"), lambda f: (f / "recipients.txt").write_text("# none\n")),
    Broken("bad recipient", GOOD, ("keys.recipients", "line 1"), lambda f: (f / "recipients.txt").write_text(RECIPIENT[:-1] + "q\n")),
    Broken(
        "private key on the camera",
        GOOD,
        ("keys.recipients", "private key"),
        lambda f: (f / "recipients.txt").write_text("AGE-SECRET-KEY-1QQQQQQ\n"),
    ),
    Broken("no warning", more("warning: {file: our.wav}"), ("warning.file", "our.wav", "No such file")),
    Broken("warning not WAV", GOOD, ("warning.file", "WAV"), lambda f: (f / "warnings" / "nl.wav").write_bytes(b"ID3 mp3")),
    Broken("warning 44.1 kHz", GOOD, ("warning.file", "44100"), lambda f: write_wav(f / "warnings" / "nl.wav", 1, rate=44_100)),
    Broken("warning 8 bit", GOOD, ("warning.file", "8 bit"), lambda f: write_wav(f / "warnings" / "nl.wav", 1, width=1)),
    Broken("warning too long", GOOD, ("warning.file", "31.0 s"), lambda f: write_wav(f / "warnings" / "nl.wav", 31)),
    Broken("warning empty", GOOD, ("warning.file", "promises 0 samples"), lambda f: write_wav(f / "warnings" / "nl.wav", 0)),
    Broken(
        "ring too short for the warning",
        more("record_warning: true\nring: {seconds: 15}"),
        ("ring.seconds", "the warning", "30 to 300"),
        lambda f: write_wav(f / "warnings" / "nl.wav", 20),
    ),
    Broken("a time zone of no place", more("timezone: Europe/Atlantis"), ("timezone", "Europe/Atlantis", "Europe/Amsterdam")),
    Broken("a time zone that is a folder", more("timezone: Europe"), ("timezone", "Europe/Amsterdam")),
    Broken("a time zone outside its database", more("timezone: ../../../etc/passwd"), ("timezone", "Europe/Amsterdam")),
    Broken("microphone empty", more('microphone: {device: ""}'), ("microphone.device", "out of bounds", "text of 1 to 1024 characters")),
    Broken("microphone too long", more(f"microphone: {{device: {'a' * 10_000}}}"), ("microphone.device", "text of 1 to 1024 characters")),
    Broken("speaker a command", more("speaker: {device: 'file:|touch x'}"), ("speaker.device", "line 3", "no card's name", "aplay -L")),
    Broken("microphone a definition", more("microphone: {device: 'plug:{SLAVE null}'}"), ("microphone.device", "line 3", "arecord -L")),
    Broken("no film", more("video: {source: file, file: film.h264}"), ("video.file", "film.h264")),
]
TAKEN = [
    Broken("socket a folder", more("control: {socket: .}"), ("control.socket", "a folder stands there", "a new name")),
    Broken("socket a file", more("control: {socket: recipients.txt}"), ("control.socket", "recipients.txt: a file stands there")),
    Broken("socket below a file", more("control: {socket: recipients.txt/x.sock}"), ("control.socket", "x.sock: Not a directory")),
    Broken(
        "socket behind a loop", more("control: {socket: loop/s}"), ("control.socket", "loop/s: "), lambda f: (f / "loop").symlink_to("loop")
    ),
    Broken("store a file", more("storage: {directory: recipients.txt}"), ("storage.directory", "recipients.txt: a file stands there")),
    Broken("store below a file", more("storage: {directory: recipients.txt/store}"), ("storage.directory", "Not a directory")),
    Broken("signing keys a file", GOOD.replace("}", ", signing: recipients.txt}"), ("keys.signing", "a file stands there")),
    Broken(
        "simulated in no folder",
        more("board: {adapter: simulated}\nsimulation_directory: nosuch"),
        ("simulation_directory", "nosuch: No such file", "a folder that exists"),
    ),
]
CASES += TAKEN


def check_lines(err: str, config: Path, case: Broken) -> None:
    """One line for each mistake; of the whole, one holds the words."""
    assert err.endswith("\n")
    lines = err[:-1].split("\n")
    assert len(lines) == case.mistakes
    for line in lines:
        assert str(config) in line
        assert line.isprintable()
        assert "; allowed: " in line or "keys.recipients" in line
    assert any(all(word in line for word in case.named) for line in lines), err


@only_in_full
@one_in(5)
@pytest.mark.parametrize("case", sample(CASES, 8), ids=lambda case: case.name)
def test_exit_78_and_one_line(case: Broken, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case.before(folder)
    config = folder / "bodycamd.yaml"
    config.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    assert main(["config", "check", str(config)]) == 78
    out, err = capsys.readouterr()
    assert out == ""
    check_lines(err, config, case)


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: case.name)
def test_the_daemon_refuses_a_place_that_is_taken_with_the_same_line(
    case: Broken, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "lock", lambda: None)
    case.before(folder)
    config = folder / "bodycamd.yaml"
    config.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    assert daemon(["--config", str(config)]) == 78
    check_lines(capsys.readouterr().err, config, case)


@only_in_full
@pytest.mark.parametrize("name", ["bomb", "no as a boolean", "bad recipient"])
def test_the_same_from_a_shell(name: str, folder: Path) -> None:
    case = next(case for case in CASES if case.name == name)
    case.before(folder)
    config = folder / "bodycamd.yaml"
    config.write_bytes(case.text if isinstance(case.text, bytes) else case.text.encode())
    command = [sys.executable, "-m", "bodycamd.cli.main", "config", "check", str(config)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert run.returncode == 78
    assert run.stdout == ""
    check_lines(run.stderr, config, case)


def test_a_configuration_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", str(tmp_path / "none.yaml")]) == 78
    assert "none.yaml: No such file" in capsys.readouterr().err


@only_in_full
def test_a_configuration_that_is_a_pipe_is_not_called_empty(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe")
    assert main(["config", "check", str(folder / "pipe")]) == 78
    assert "pipe: a named pipe that nobody writes to, not a regular file" in capsys.readouterr().err
    reading, writing = os.pipe()
    os.write(writing, GOOD.encode())
    os.close(writing)
    assert main(["config", "check", "--text-only", f"/dev/fd/{reading}"]) == 0, "as `<(command)` of the shell makes it"
    os.close(reading)


def test_the_folder_without_a_fault_is_right(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bodycamd.yaml").write_text(GOOD)
    assert main(["config", "check", str(folder / "bodycamd.yaml")]) == 0
    assert capsys.readouterr().err == ""
    assert main(["config", "check", "--json", str(folder / "bodycamd.yaml")]) == 0
    assert '"ok":true' in capsys.readouterr().out


def test_json_tells_the_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bodycamd.yaml").write_text(more("audio: no"))
    assert main(["config", "check", "--json", str(folder / "bodycamd.yaml")]) == 78
    assert '"ok":false' in capsys.readouterr().out
