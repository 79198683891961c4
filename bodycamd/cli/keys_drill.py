"""`bodycamd keys drill`: whether every footage recipient can still open footage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli import asked, fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import print_json, say
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.cli.signals import Stopping
from bodycamd.errors import PermissionDeniedError, UsageError

app = typer.Typer(
    help="Prove that every footage recipient can still open footage: a key that is lost is found in time.", no_args_is_help=True
)


@app.command()
def begin(
    out: Annotated[Path, typer.Option(help="A folder to make: a probe for each person, and drill.json.")],
    fleet: FleetOption = fleet_option.FLEET,
) -> None:
    """Make a drill: fresh random probes, each encrypted to one person. Send each its probe; no footage is in it."""
    from bodycamd.linux import durable
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.fleet import drill

    _, found = fleet_option.usable(fleet)
    files = drill.prepared(found)
    try:
        durable.make_folder(out)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be made: {error.strerror}") from error
    write_new({out / name: content for name, content in files.items()})
    for name in sorted(files.keys() - {drill.FILE}):
        say(str(out / name))


@app.command()
def answer(
    probe: Annotated[Path, typer.Argument(help="The probe that you were sent.", readable=False)],
    identity: Annotated[Path, typer.Option(help="Your identity file; it stays where it is.", readable=False)],
    passphrase_file: PassphraseFile = None,
) -> None:
    """Open a probe with your identity, and print the answer: 32 characters, to be sent back."""
    from bodycamd.municipality.film.identities import Identities
    from bodycamd.workshop.fleet import drill

    ask = asking(passphrase_file)
    with Stopping() as stop:
        say(drill.answered(probe, Identities.load(identity, asked.AtTheDesk(stop, lambda what: ask(what, False)))))


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="The folder of the drill.", readable=False)],
    answers: Annotated[list[str], typer.Option("--answer", help="Who answered what: E-01=32 characters.")],
    json: Annotated[bool, typer.Option("--json", help='Print {"E-01":true,…}.')] = False,
) -> None:
    """Compare the answers. Ends with 0 when everybody could open, else with 77 and what to do; with 65 for an answer that is mistyped."""
    from bodycamd.workshop.fleet import drill

    said = dict(_split(one) for one in answers)
    if len(said) < len(answers):
        raise UsageError("--answer: one for each person")
    opened = drill.outcome(folder, said)
    if json:
        print_json(opened)
    else:
        for id, right in opened.items():
            say(f"{id}  {'opens' if right else 'WRONG ANSWER' if id in said else 'no answer'}")
    if not all(opened.values()):
        if not json:
            for line in _advice([id for id in opened if id not in said], [id for id in said if not opened[id]]):
                say(f"bodycamd: {line}", err=True)
        raise typer.Exit(PermissionDeniedError.exit_code)


def _advice(silent: Sequence[str], wrong: Sequence[str]) -> Iterator[str]:
    """What to do about who did not answer, and whose answer is another one. A key is replaced only when it is known not to open."""
    if silent:
        yield f"no answer: {', '.join(silent)}: ask again, by telephone; nothing is known of those keys yet"
    if wrong:
        yield (
            f"another answer: {', '.join(wrong)}: is it that of this drill, and of this person's probe? Have that probe opened once more. "
            "Whose identity does not open it needs new keys, under a new pseudonym, and a roster that has them"
        )


def _split(one: str) -> tuple[str, str]:
    id, mark, said = one.partition("=")
    if not mark or not said:
        raise UsageError("--answer: it looks like E-01=0123456789abcdef0123456789abcdef")
    return id, said
