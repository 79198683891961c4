"""`bodycamd acceptance`: what nobody has checked on real hardware, as a sheet and a signed report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bodycamd import __version__
from bodycamd.cli.output import fitted, print_json, say, say_lines
from bodycamd.cli.passphrases import PassphraseFile
from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

MAX_BYTES = 256 * 1024
app = typer.Typer(help="Acceptance day: try what nobody has tried yet, and sign what you found.", no_args_is_help=True)


@app.command()
def sheet(
    file: Annotated[Path, typer.Argument(help="The camera's configuration file.")],
    out: Annotated[Path, typer.Option(help="The sheet to make (YAML).")],
) -> None:
    """Make the sheet to fill in: every check, and how it is done."""
    from bodycamd.config.load import load
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.acceptance.sheet import blank

    write_new({out: blank(load(file)).encode()})
    say(f"{out}: fill it in, then: bodycamd acceptance sign {out} --by PSEUDONYM --key KEY --out acceptance.jsonl")


@app.command()
def sign(
    file: Annotated[Path, typer.Argument(help="The sheet, filled in.")],
    by: Annotated[str, typer.Option(help="Your pseudonym, such as E-03; never a name.")],
    key: Annotated[Path, typer.Option(help="Your signing key (bodycamd keys person new).", readable=False)],
    out: Annotated[Path, typer.Option(help="The report to make.")],
    selftest: Annotated[
        Path | None, typer.Option(help="What `bodycamd selftest --json` printed on that camera, on the same day.", show_default=False)
    ] = None,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Sign what was found.

    Ends with 0, or with 65 and a line for each mistake in the sheet, or where the self test is another camera's or of another day.
    """
    from bodycamd.cli.person import load as load_key
    from bodycamd.evidence.acceptance import FORMAT, Acceptance, signed
    from bodycamd.evidence.pseudonyms import pseudonym
    from bodycamd.evidence.statements import wall_text
    from bodycamd.linux.foreign import read_named
    from bodycamd.linux.new_file import check_new, write_new
    from bodycamd.workshop.acceptance import self_test
    from bodycamd.workshop.acceptance.sheet import read

    name = pseudonym(by, "--by")
    filled, problems = read(read_named(file, MAX_BYTES))
    for problem in problems:
        say(f"bodycamd: {problem.text(shown(file, 4096))}", err=True)
    if filled is None:
        raise typer.Exit(DataError.exit_code)
    check_new(out)
    outcomes = [result.outcome for result in filled.results]
    if set(outcomes) == {"not_done"}:
        say(f"none of the {len(outcomes)} checks was done: the report will say that, and nothing else", err=True)
    now_us = time.time_ns() // 1000
    tested = None if selftest is None else self_test.read(read_named(selftest, MAX_BYTES), shown(selftest, 4096), filled.device, now_us)
    signer = load_key(key, passphrase_file)
    report = Acceptance(
        format=FORMAT,
        key=signer.public.id,
        by=name,
        wall=wall_text(now_us),
        software=__version__,
        device=filled.device,
        board=filled.board,
        module=filled.module,
        self_test=tested,
        results=filled.results,
    )
    write_new({out: signed(report, signer)})
    say(f"{out}: {_counted(outcomes)}")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="A signed report.")],
    people: Annotated[Path, typer.Option(help="The list of people whose keys count.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a report's signature, and print what was found.

    Ends with 0 where it is signed by a person of the list, whatever was found.
    """
    from bodycamd.evidence.acceptance import read
    from bodycamd.linux.foreign import read_named
    from bodycamd.municipality.copies.person_keys import read_people, spoken_id

    known = read_people(people)
    report = read(read_named(file, MAX_BYTES), known, shown(file, 4096))
    if json:
        print_json(report)
        return
    say(f"{report.device}, {report.board or 'board not said'}, {report.module or 'module not said'}; bodycamd {report.software}")
    say(f"signed by {report.by}, {report.wall[:10]}; key id {spoken_id(known[report.key][1])}")
    if report.self_test is not None:
        say(f"self test: {'GO' if report.self_test.go else 'NO GO'} (SHA-256 {report.self_test.sha256})")
    for result in report.results:
        say_lines(fitted(f"{result.outcome:<12}{result.check}" + (f": {shown(result.found)}" if result.found else "")))
    say(_counted([result.outcome for result in report.results]))


def _counted(outcomes: Sequence[str]) -> str:
    counts = Counter(outcomes)
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in ("passed", "failed", "not_fitted", "not_done") if counts[name])
