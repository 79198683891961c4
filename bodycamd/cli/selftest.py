"""`bodycamd selftest`: whether the camera works, part by part, and what to do about what does not."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bodycamd import __version__
from bodycamd.cli.daemon_or_store import AsJson, in_force
from bodycamd.cli.output import fitted, print_json, say, say_lines
from bodycamd.cli.place import ConfigOption, SocketOption, find_owner
from bodycamd.errors import ConfigError, StoreBusyError, UsageError

if TYPE_CHECKING:
    from bodycamd.camera.control.events import Event
    from bodycamd.camera.selftest.judge_hands import Part
    from bodycamd.camera.selftest.verdict import Verdict
    from bodycamd.cli.place import Owner
    from bodycamd.config.settings import Config

SELFTEST_CODES = {
    0: "everything that was checked works",
    3: "a part failed",
    75: "busy: the daemon holds the parts, or with --officer: it records",
}
"""What it ends with beside the codes of `bodycamd.errors`."""
_MARKS = {"passed": "ok", "failed": "FAILED", "not_checked": "not checked"}
_NOTICED = {
    "led": "Did the red lamp light up for a second and a half?",
    "ready_led": "Did the green lamp light up for a second and a half?",
    "haptic": "Did the motor run for a second and a half?",
}


TARGET_INSTEAD = "make it on another computer, or take the picture (--target target.svg) and print it on A4 at 100 %"
OFFICER_SECONDS = 16.0
"""For the daemon's answer."""


def selftest(
    officer: Annotated[
        bool, typer.Option("--officer", help="Go or no go before a shift, by the running daemon: on lamp and motor, within 15 s.")
    ] = False,
    with_target: Annotated[
        bool, typer.Option("--with-target", help="The printed target is before the camera: is it seen upright, and in focus?")
    ] = False,
    target: Annotated[
        Path | None,
        typer.Option(
            "--target", help="Write the target, to be printed, to this SVG or PDF file, and end; a PDF takes Chromium.", show_default=False
        ),
    ] = None,
    language: Annotated[Literal["nl", "en"], typer.Option(help="Language of the sentences.")] = "en",
    config: ConfigOption = None,
    socket: SocketOption = None,
    json: AsJson = False,
) -> None:
    """Check every part of the camera: button, lamps, motor, the warning as the microphone hears it, camera, encryption, card, clocks, keys,
    battery, confinement. With the daemon stopped, or with --officer what the running daemon can tell; the warning is spoken, nothing is
    recorded. A press of the button ends it at once, and records as ever.

    On a terminal it asks for a press, and whether lamps and motor were noticed; without one, or with --json, those are not checked. Ends
    with 0 where everything that was checked works, with 3 where a part failed; each line says what to do.
    """
    from bodycamd.camera.selftest import target as printed
    from bodycamd.camera.selftest.verdict import go
    from bodycamd.evidence.statements import wall_text
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.chromium import print_pdf

    if target is not None:
        if target.suffix not in (".svg", ".pdf"):
            raise UsageError(f"--target {target}: the target is an SVG or a PDF: give it a name that ends in .svg or .pdf")
        write_new({target: print_pdf(printed.page(), TARGET_INSTEAD) if target.suffix == ".pdf" else printed.svg().encode()})
        say(f"{target}: print it at 100 %, hold it up about 50 cm before the camera, and run: bodycamd selftest --with-target")
        return
    verdicts: list[Verdict] = []
    camera = find_owner(None, config, socket)
    if officer and with_target:
        raise UsageError("--officer and --with-target: before a shift nobody holds the target up; give one of them")
    asks = not json and sys.stdin.isatty()
    for verdict in _by_the_daemon(camera) if officer else _on_the_bench(camera, asks=asks, with_target=with_target):
        verdicts.append(verdict)
        if not json:
            sentence = verdict.said(language)
            say_lines(fitted(f"{_MARKS[verdict.outcome]:<12}{verdict.check}" + (f": {sentence}" if sentence else "")))
    works = go(verdicts)
    if json:
        assert camera.config is not None, "the parts are tested as they are configured"
        at = wall_text(time.time_ns() // 1000)
        print_json({"device": camera.config.device_id, "at": at, "software": __version__, "go": works, "checks": verdicts})
    else:
        say("GO" if works else "NO GO")
    if not works:
        raise typer.Exit(3)


def _by_the_daemon(camera: Owner) -> Iterator[Verdict]:
    """Raises `StoreBusyError` where it records or checks already, and what `ControlClient` raises."""
    from bodycamd.camera.daemon.client import ControlClient
    from bodycamd.camera.selftest.officer import show, verdicts

    if camera.config is None:
        raise ConfigError("the parts are tested as they are configured: give --config")
    with ControlClient(camera.socket, OFFICER_SECONDS) as client:
        found = verdicts(client, camera.config)
        show(client, found)
    yield from found


def _on_the_bench(camera: Owner, *, asks: bool, with_target: bool) -> Iterator[Verdict]:
    """Raises `StoreBusyError` where a daemon runs, and what `load` and `board_of` raise."""
    from bodycamd.camera.daemon.client import ControlClient, NobodyListensError

    if camera.config is None:
        raise ConfigError("the parts are tested as they are configured: give --config")
    try:
        ControlClient(camera.socket).close()
    except NobodyListensError:
        yield from _held(in_force(camera.config, camera.file), asks=asks, with_target=with_target)
    else:
        raise StoreBusyError(f"{camera.socket}: the daemon holds button, lamps and camera; stop it first: systemctl stop bodycamd")


def _held(config: Config, *, asks: bool, with_target: bool) -> Iterator[Verdict]:
    from bodycamd.camera.selftest.bench import Bench, Nobody, board_of, release

    heard: queue.SimpleQueue[Event] = queue.SimpleQueue()
    board = board_of(config, heard.put)
    try:
        yield from Bench(config, board, heard, _AtTheTerminal() if asks else Nobody(), target=with_target).verdicts()
    finally:
        release(board)


class _AtTheTerminal:
    """The technician, for `bench.Person`."""

    def will_press(self) -> bool:
        say("Press the button once, and let go.")
        return True

    def noticed(self, part: Part) -> bool:
        return bool(typer.confirm(_NOTICED[part]))
