"""`bodycamd`: the commands of people. Each group is a file; what is heavy is imported only by the command that needs it.

Every `BodycamError` ends as one line on stderr and its exit code; the codes are the table of `bodycamd.errors`, in the help and in
docs/exit-codes.md.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd import __version__, errors
from bodycamd.cli import (
    acceptance,
    anchor,
    bundle,
    config,
    contact_sheet,
    enrol,
    export,
    fleet,
    hold,
    keys,
    offload,
    order,
    prune,
    recordings,
    run,
    selftest,
    shift,
    simulate,
    station,
    status,
    support_bundle,
    sweep,
    transparency,
    verify,
)
from bodycamd.cli.output import say
from bodycamd.cli.streams import OutputGoneError, standard_streams
from bodycamd.foreign_text import trace_lines
from bodycamd.linux import missing_package

if TYPE_CHECKING:
    from typer._click.exceptions import ClickException


def _told(codes: Mapping[int, str]) -> str:
    return "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in sorted(codes.items()))


EPILOG = _told(errors.EXIT_CODES)

_WRONG_USE: type[ClickException] = typer.BadParameter.__mro__[2]
"""ClickException of the click in use: its own, or the one within typer."""

app = typer.Typer(
    name="bodycamd",
    help="A body-worn camera: a spoken warning, an encrypted recording, evidence that stock tools can check.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run", epilog=EPILOG)(run.run)
app.command("simulate", epilog=EPILOG)(simulate.simulate)
app.command("status", epilog=EPILOG)(status.status)
app.command("selftest", epilog=_told({**errors.EXIT_CODES, **selftest.SELFTEST_CODES}))(selftest.selftest)
app.add_typer(shift.app, name="shift")
app.add_typer(recordings.app, name="recordings")
app.add_typer(hold.app, name="hold")
app.add_typer(order.app, name="order")
app.command("sweep", epilog=EPILOG)(sweep.sweep)
app.command("transparency", epilog=EPILOG)(transparency.transparency)
app.command("export", epilog=_told({**errors.EXIT_CODES, **export.DAMAGE_CODES}))(export.export)
app.command("offload", epilog=EPILOG)(offload.offload)
app.command("prune", epilog=EPILOG)(prune.prune)
app.add_typer(keys.app, name="keys")
app.command("contact-sheet", epilog=EPILOG)(contact_sheet.contact_sheet)
app.command("verify", epilog=_told({**errors.EXIT_CODES, **verify.VERDICT_CODES}))(verify.verify)
app.command("anchor", epilog=EPILOG)(anchor.anchor)
app.add_typer(config.app, name="config")
app.add_typer(acceptance.app, name="acceptance")
app.add_typer(bundle.app, name="bundle")
app.add_typer(fleet.app, name="fleet")
app.add_typer(station.app, name="station")
app.command("enrol", epilog=EPILOG)(enrol.enrol)
app.command("support-bundle", epilog=EPILOG)(support_bundle.support_bundle)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"bodycamd {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.", callback=_show_version, is_eager=True)] = False,
) -> None:
    pass


def carry_out() -> int:
    """Carry out the command line of this process and give its exit code, whatever its standard streams are."""
    try:
        with standard_streams():
            return main(sys.argv[1:])
    except OutputGoneError as error:
        return _say_error(error)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command line, by default that of this process, and give its exit code."""
    if arguments is None:
        return carry_out()
    try:
        code = app(args=list(arguments), prog_name="bodycamd", standalone_mode=False)
    except errors.BodycamError as error:
        return _say_error(error)
    except _WRONG_USE as error:
        return _say_what_is_wrong(error)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except PermissionError as error:
        # Where a part of a store, a copy or a target may not be read: who asks has to know what to do, not where the code stood.
        say(f"bodycamd: {error.filename}: {error.strerror}; run this as its owner or with sudo, or take a copy that you may read", err=True)
        return errors.PermissionDeniedError.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except ModuleNotFoundError as error:
        missing = missing_package.as_error(error, next((word for word in arguments if not word.startswith("-")), ""))
        return _say_trace(error) if missing is None else _say_error(missing)
    except Exception as error:
        return _say_trace(error)
    return code if isinstance(code, int) else 0


def _say_error(error: errors.BodycamError) -> int:
    say(f"bodycamd: {error}", err=True)
    return error.exit_code


def _say_trace(error: Exception) -> int:
    for line in trace_lines(error):
        say(line, err=True)
    return 1


def _say_what_is_wrong(error: ClickException) -> int:
    """With the words of a command line, which anybody may have made: never by typer's own printer."""
    context = getattr(error, "ctx", None)
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        context.get_help()  # typer prints it
    else:
        command = context.command_path if context is not None else "bodycamd"
        say(f"bodycamd: {error.format_message()}; see {command} --help", err=True)
    return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(carry_out())
