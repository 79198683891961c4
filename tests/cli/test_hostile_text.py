"""No text that others wrote steers who reads it: every command on a terminal, the films, the pages, the journal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import msgspec
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bodycamd.camera.board.board_log import BoardChange
from bodycamd.camera.daemon.__main__ import JournalFormatter
from bodycamd.camera.daemon.status_message import ClockStatus, VoiceStatus
from bodycamd.camera.keeping.summary import Summary
from bodycamd.camera.recorder.shift import Shift
from bodycamd.cli.main import app, main
from bodycamd.cli.output import say
from bodycamd.cli.simulate_by_hand import LiveView
from bodycamd.config import load as loading
from bodycamd.config import settings as configuration
from bodycamd.evidence.statements import ClockQuality, Entry, JsonValue
from bodycamd.foreign_text import html_text, json_text, shown
from bodycamd.linux.swap import Protection
from bodycamd.retention.outlook import Plan, PlannedDeletion, PlanWarning, Upcoming
from tests.camera.daemon.test_client import server
from tests.cli import hostile_store
from tests.cli.hostile_store import DELETED, KEPT, MONTH, HostileStore
from tests.cli.terminal import HOSTILE, HOSTILE_NAME, WRITTEN_OUT, in_a_terminal, on_a_terminal, steering
from tests.evidence import ordering
from tests.kit.scale import only_in_full
from tests.kit.statuses import AT_REST


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> HostileStore:
    return hostile_store.make(tmp_path_factory.mktemp("hostile"))


def commands() -> dict[str, Any]:
    """Every command of the program, by its words."""

    def below(command: Any, words: str) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for name, inner in command.commands.items():
                yield from below(inner, f"{words} {name}".strip())
        else:
            yield words, command

    return dict(below(typer.main.get_command(app), ""))


COMMANDS = commands()
HOLD = {"hold": HOSTILE, "recording": KEPT, "ground": HOSTILE, "reference": HOSTILE, "by": HOSTILE, "since": HOSTILE, "review_on": HOSTILE}
PLAN = Plan(
    days=1,
    clock_confirmed=False,
    deletions=[PlannedDeletion(recording=HOSTILE, begun=False, proof=None)],
    upcoming=[Upcoming(recording=HOSTILE + "2", age_days=1.0, held_for=[HOSTILE], deletes_on=HOSTILE, remaining_days=1.0)],
    warnings=[PlanWarning(kind="not_provable", recording=HOSTILE, text=HOSTILE)],
)
STATUS = msgspec.structs.replace(
    AT_REST,
    device_id=HOSTILE,
    software=HOSTILE,
    recording=HOSTILE,
    retention=Summary(HOSTILE, True, 1, (HOSTILE,), (HOSTILE,), HOSTILE, HOSTILE, (HOSTILE,)),
    swap=Protection("degraded", HOSTILE, HOSTILE),
    voice=VoiceStatus(ok=False, detail=HOSTILE),
    clock=ClockStatus(trusted=False, source=HOSTILE, error_ms=None),
    shift=Shift(HOSTILE, HOSTILE),
)
ANSWERS: dict[str, Any] = {
    "status": STATUS,
    "shift_begin": Shift(HOSTILE, HOSTILE),
    "shift_end": Shift(HOSTILE, HOSTILE),
    "hold_add": HOLD,
    "hold_release": {"hold": HOSTILE, "recording": HOSTILE, "ground": HOSTILE, "still_held_for": [HOSTILE]},
    "hold_list": [HOLD],
    "retention_plan": PLAN,
    "sweep": PLAN,
}
SHOWS_THE_STORES = {"recordings show", "recordings log", "recordings check", "verify", "recordings certificate", "recordings list"}
SHOWS_THE_DAEMONS = {"status", "shift begin", "shift end", "hold add", "hold release", "hold list", "sweep"}


UNASKED = {"keys release": ["--no-passphrase"]}
"""What keeps a command from asking."""


def line_of(name: str, value: Callable[[Any], str], also: Mapping[str, str] = {}) -> list[str]:
    """A command line: `value` of each parameter that must be given, and from `also` those that may be."""
    words = name.split()
    for parameter in COMMANDS[name].params:
        given = value(parameter) if parameter.required else also.get(parameter.name)
        if given is not None:
            words += [given] if parameter.param_type_name == "argument" else [parameter.opts[0], given]
    return words


def test_the_text_is_written_out_in_one_form() -> None:
    assert shown(HOSTILE) == WRITTEN_OUT
    assert shown(HOSTILE_NAME) == WRITTEN_OUT + "\\xff\\xfe"
    assert shown("Ünïçødé, 漢字 😀 ѯ") == "Ünïçødé, 漢字 😀 ѯ"
    assert shown("e\u0301 a\u0301\u0302\u0303") == "e\u0301 a\u0301\u0302\\u0303"
    assert shown("\u200f\u061c\ufeff\U000f0000") == "\\u200f\\u061c\\ufeff\\U000f0000"
    assert [shown("x" * n, 8) for n in (8, 9)] == ["x" * 8, "x" * 7 + "…"]
    assert html_text("<\x1b&\n") == "&lt;\\u001b&amp;\\u000a"
    assert json_text({"a": HOSTILE_NAME}).isascii()
    assert json.loads(json_text({"a": HOSTILE_NAME})) == {"a": HOSTILE_NAME}


@only_in_full
@given(text=st.text(st.characters(), max_size=60), longest=st.integers(12, 80))
def test_whatever_it_is_it_stays_short_and_readable(text: str, longest: int) -> None:
    once = shown(text, longest)
    assert (steering(once), len(once) <= longest, shown(once, longest)) == (set(), True, once)
    assert "\n" not in once


@only_in_full
@pytest.mark.parametrize("name", COMMANDS)
def test_words_of_a_command_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that may be given is hostile, and a word too many."""

    monkeypatch.chdir(tmp_path)

    def hostile(_: object) -> str:
        return HOSTILE_NAME

    options = {p.name for p in COMMANDS[name].params}
    flags = {p.name for p in COMMANDS[name].params if getattr(p, "is_flag", False)}
    lines = [line_of(name, hostile), line_of(name, hostile, dict.fromkeys(options - flags, HOSTILE_NAME))]
    lines += [[*lines[0], HOSTILE_NAME], [*name.split(), "--" + HOSTILE]]
    lines = [line + UNASKED.get(name, []) for line in lines if line != ["config", "schema"]]
    for line, (code, printed) in zip(lines, on_a_terminal(*lines), strict=True):
        assert steering(printed) == set(), (line, printed)
        assert (code != 1, bool(printed.strip())) == (True, True), (line, printed)


@only_in_full
@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"run", "simulate", "config schema"}))
def test_a_hostile_store(name: str, place: HostileStore, tmp_path: Path) -> None:
    """The words are honest, what is read is not, and the names of new files are not."""
    out = tmp_path / f"{HOSTILE_NAME}"
    known: dict[str, str] = {
        "recording": DELETED if name == "recordings certificate" else KEPT,
        "store": str(place.store),
        "socket": str(tmp_path / "s"),
        "config": str(place.root / HOSTILE_NAME),
        "identity": str(place.root / "identity.txt"),
        "device_key": str(place.root / "device.pem"),
        "month": MONTH,
        "to": str(tmp_path),
        "file": str(place.root / HOSTILE_NAME),
        "recipients": str(place.root / HOSTILE_NAME),
        "film": str(place.root / HOSTILE_NAME),
        "png": str(out),
        "out": str(out),
        "public": str(tmp_path / "public"),
        "ground": "complaint",
        "review_on": "2027-01-01",
        "officer": "h-1",
        "hold": KEPT,
        "reason": "settled",
        "by": "E-03",
        "reference": "Z-1",
    }

    def answer(line: bytes) -> bytes:
        return msgspec.json.encode({"ok": True, "result": ANSWERS.get(msgspec.json.decode(line)["command"], HOSTILE)}) + b"\n"

    asks = name in SHOWS_THE_DAEMONS
    optional = [{"socket"} if asks or name == "anchor" else {"store", "socket"} - {"config"}]
    optional += [{"store"}] if name == "anchor" else []
    optional += [{"store", "out"}] if name in ("recordings certificate",) else []
    optional += [{"store", "device_key"}] if name == "export" else []
    lines = []
    for some in optional:
        line = line_of(name, lambda p: known.get(p.name, HOSTILE), {key: known[key] for key in some})
        line += {"offload": ["--same-disk"], "export": ["--overwrite"], **UNASKED}.get(name, [])
        lines += [line, [*line, "--json"]] if any(p.name == "json" for p in COMMANDS[name].params) else [line]
    with server(tmp_path / "s", answer):
        done = on_a_terminal(*lines)
    for line, (code, printed) in zip(lines, done, strict=True):
        assert (code != 1, steering(printed)) == (True, set()), (line, printed)
        if line[-1] != "--json" and name in SHOWS_THE_STORES | SHOWS_THE_DAEMONS:
            assert "\\u202e" in printed, printed


@only_in_full
@pytest.mark.parametrize("name", [name for name in COMMANDS if any(p.name == "socket" for p in COMMANDS[name].params)])
def test_a_daemon_that_refuses_in_hostile_words(name: str, place: HostileStore, tmp_path: Path) -> None:
    refusal = json.dumps({"ok": False, "error": HOSTILE, "exit_code": 77}).encode() + b"\n"
    known = {"socket": str(tmp_path / "s"), "to": str(tmp_path), "store": str(place.store), "config": str(tmp_path / "none")}
    known |= {"reason": "settled", "by": "E-03", "reference": "Z-1", "officer": "h-1", "recording": KEPT, "out": str(tmp_path / "b.tar")}
    some = {"socket"} if name != "offload" else {"socket", "store"}
    known["files"] = str(tmp_path / "order")
    (tmp_path / "order").write_bytes(ordering.ordered(ordering.HOLD).document.file_bytes)
    with server(tmp_path / "s", lambda _: refusal):
        line = line_of(name, lambda p: known.get(p.name, "x"), {key: known[key] for key in some})
        if name == "selftest":  # asks the daemon before a shift only, and of parts that are configured
            config = tmp_path / "c.yaml"
            config.write_text(f"device_id: HV-07\nstorage: {{directory: {tmp_path}/store}}\nkeys: {{signing: {tmp_path}/keys}}\n")
            line += ["--officer", "--config", str(config)]
        ((code, printed),) = on_a_terminal(line)
    assert steering(printed) == set()
    if name == "support-bundle":  # which makes the rest
        assert (code, "status.json: not there; asking for it ended with 77" in printed) == (0, True)
    elif not name.startswith("recordings"):  # those ask a daemon only about a store that they may not read
        assert (code, printed.strip()) == (77, "bodycamd: " + WRITTEN_OUT)


def test_an_internal_error_ends_in_a_trace_that_steers_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise RuntimeError(HOSTILE)

    monkeypatch.setattr(loading, "read", fail)
    ((code, printed),) = on_a_terminal(["config", "check", "x"])
    assert (code, steering(printed)) == (1, set())
    assert "RuntimeError: " + WRITTEN_OUT in printed


def test_a_terminal_of_another_encoding_gets_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="latin-1", write_through=True))
    say("é 漢")
    assert printed.getvalue() == b"\xe9 \\u6f22\n"


@only_in_full
def test_the_package_of_a_hostile_recording(place: HostileStore, tmp_path: Path) -> None:
    out = tmp_path / "case"
    line = ["export", KEPT, "--store", str(place.store), "--identity", str(place.root / "identity.txt"), "--out", str(out)]
    assert main([*line, "--device-key", str(place.root / "device.pem")]) == 0
    page = (out / "report.html").read_text()
    assert steering(page) == set()
    assert WRITTEN_OUT.split("[")[0] in page
    (made,) = out.glob("*.mp4")
    with av.open(str(made)) as film:
        titles = [chapter["metadata"]["title"] for chapter in film.chapters()]
        texts = [bytes(packet)[2:].decode() for packet in film.demux(subtitles=0) if packet.size]
    assert texts
    assert titles
    assert [steering(text) for text in [*texts, *titles]] == [set()] * (len(texts) + len(titles))
    assert "\\u202e" in texts[0]


@only_in_full
def test_the_pages_of_a_hostile_store(place: HostileStore, tmp_path: Path) -> None:
    assert main(["recordings", "certificate", DELETED, "--store", str(place.store), "--html", str(tmp_path / "c.html")]) == 0
    assert main(["transparency", "--month", MONTH, "--store", str(place.store), "--out", str(tmp_path)]) == 0
    pages = [*tmp_path.glob("*.html")]
    assert len(pages) == 2
    assert [steering(page.read_text()) for page in pages] == [set(), set()]


def test_the_live_view_shows_and_does_not_obey(tmp_path: Path) -> None:
    camera: Any = SimpleNamespace(folder=SimpleNamespace(device=tmp_path), exit_code=None)
    camera.board_changes = lambda: [BoardChange(at_us=1, part="voice", event=HOSTILE)]
    told: dict[str, JsonValue] = {"reason": HOSTILE, "detail": HOSTILE, "part": HOSTILE}
    common: dict[str, Any] = {"n": 1, "prev": "0" * 64, "key": "0" * 64, "device": "x", "start": 1, "boot_id": "b", "boottime_ns": 1}
    common |= {"wall": "2026-01-01T00:00:00.000000Z", "clock": ClockQuality(source="x")}
    entries = [Entry(type=type, detail=told, **common) for type in ("fault", "failing", HOSTILE)]
    camera.ledger_entries = lambda: entries
    camera.events = list
    camera.status = lambda: STATUS
    settings: Any = SimpleNamespace(
        gestures=SimpleNamespace(hold_seconds=1), board=SimpleNamespace(gpio=SimpleNamespace(ready_led=None, haptic=None))
    )

    def show() -> int:
        view = LiveView(camera, settings)
        view._look()
        Console(force_terminal=True, width=250).print(view._picture())
        return 0

    code, printed = in_a_terminal(show)
    assert (code, steering(printed)) == (0, set())
    assert "[red]" in printed


def test_the_journal_has_one_line_for_a_message_and_the_trace_below() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JournalFormatter("%(levelname)s %(name)s: %(message)s"))
    try:
        raise OSError(HOSTILE)
    except OSError as error:
        record = logging.LogRecord("part", logging.ERROR, "f", 1, "%s is lost", (HOSTILE,), (OSError, error, error.__traceback__))
    handler.emit(record)
    lines = out.getvalue().splitlines()
    assert steering(out.getvalue()) == set()
    assert lines[0] == f"ERROR part: {WRITTEN_OUT} is lost"
    assert (lines[1], lines[-1]) == ("Traceback (most recent call last):", f"OSError: {WRITTEN_OUT}")


def test_every_way_to_print_of_the_commands_is_known() -> None:
    """What prints, prints through `bodycamd.cli.output`; ruff forbids typer's own way. rich draws in two places, each tried here."""
    folder = Path(configuration.__file__).parents[1]
    drawing = {str(path.relative_to(folder)) for path in folder.rglob("*.py") if "from rich" in path.read_text()}
    assert drawing == {"cli/simulate_by_hand.py", "cli/progress.py"}
