"""`bodycamd simulate`: the same daemon on a simulated board, driven by a script or by hand."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.output import say_lines
from bodycamd.cli.signals import as_ctrl_c
from bodycamd.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bodycamd.config.settings import Config
    from bodycamd.workshop.simulation.button_script import Step
    from bodycamd.workshop.simulation.folder import SimulationFolder


def simulate(
    dir: Annotated[Path, typer.Option("--dir", help="The simulation's folder; made at first use, keys and store are kept.")],
    script: Annotated[str | None, typer.Option(help="File of `SECONDS ACTION` lines; - for standard input. Without: by hand.")] = None,
    source: Annotated[str | None, typer.Option(help="The picture: pattern, or file:PATH of an H.264 film.")] = None,
    config: Annotated[Path | None, typer.Option(help="A configuration whose policy is followed on simulated hardware.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the time line as JSON lines.")] = False,
) -> None:
    """Run the camera without hardware.

    Script actions: down, up, tap, hold SECONDS, quit; the seconds count from ready and may not go back. Without quit the camera is stopped
    two seconds after nothing is under way any more; a recording that is still open is then closed and sealed.

    The daemon's exit code is passed on.
    """
    steps = _read_script(script) if script is not None else None
    if steps is None and json:
        raise UsageError("--json needs a script: --script FILE, or - for standard input")
    if steps is None and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("by hand needs a terminal; give --script FILE (lines like `1 tap`), or - for standard input")
    from bodycamd.workshop.simulation import folder as simulation_folder
    from bodycamd.workshop.simulation.process import SimulatedCamera

    folder, settings = simulation_folder.prepare(dir, config, source)
    as_ctrl_c()  # the camera must not outlive this process
    with SimulatedCamera(folder) as camera:
        if steps is None:
            from bodycamd.cli.simulate_by_hand import LiveView

            camera.wait_until_ready()
            code = LiveView(camera, settings).run()
        else:
            from bodycamd.cli.simulate_script import ScriptedRun

            code = ScriptedRun(camera, settings, steps, json).run()
    if not json:
        say_lines(_next_steps(folder, settings))
    raise typer.Exit(code if code >= 0 else 128 - code)


def _next_steps(folder: SimulationFolder, settings: Config) -> Iterator[str]:
    """Where everything is, and the command that shows what was recorded last, as it can be pasted."""
    from bodycamd.store.names import recording_names

    store = f"--store {shlex.quote(str(folder.store))}"
    yield f"kept in {folder.root}: the store in store/, the private key of this simulation in keys/"
    names, _ = recording_names(folder.store / "recordings")
    if names:
        film = shlex.quote(f"{folder.root / names[-1]}.mp4")
        own = _sealed_to_own(folder, settings)
        identity = shlex.quote(str(folder.keys / "identity.txt")) if own else "IDENTITY"
        yield f"to watch it: bodycamd export {names[-1]} {store} --identity {identity} --out {film}"
        if not own:
            sealed_to = "the roster" if settings.keys.root is not None else settings.keys.recipients
            yield f"IDENTITY is that of somebody whom {sealed_to} names: nothing was sealed to the key in keys/"
    else:
        yield f"nothing was recorded; what happened: bodycamd recordings log {store}"


def _sealed_to_own(folder: SimulationFolder, settings: Config) -> bool:
    """Whether this simulation's own identity opens what the camera seals: with a roster that alone says who does."""
    own, named = folder.keys / "recipients.txt", folder.device / settings.keys.recipients
    if settings.keys.root is not None or not (own.is_file() and named.is_file()):
        return False
    return own.read_text(encoding="utf-8").strip() in named.read_text(encoding="utf-8")


def _read_script(name: str) -> list[Step]:
    from bodycamd.workshop.simulation.button_script import parse

    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise NotFoundError(f"{name}: the script cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{name}: the script is not UTF-8") from error
    return parse(text, "standard input" if name == "-" else name)
