"""`bodycamd config`: check a configuration, print its schema, make the officer's card and the wiring of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import mistakes
from bodycamd.cli.output import say, say_lines
from bodycamd.config.problems import Problem, in_order
from bodycamd.errors import ConfigError, PermissionDeniedError, UsageError
from bodycamd.foreign_text import json_text
from bodycamd.municipality.words.language import Language

if TYPE_CHECKING:
    from bodycamd.config.settings import Config

app = typer.Typer(help="Check a configuration before a camera gets it.", no_args_is_help=True)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
    text_only: Annotated[bool, typer.Option("--text-only", help="Do not look at the files that it names.")] = False,
    json: Annotated[bool, typer.Option("--json", help='Print {"file":…,"ok":…,"problems":[…],"warnings":[…]}.')] = False,
) -> None:
    """Check a configuration and the files that it names, as the camera does at its start.

    Ends with 0, or with 78 and a line for each mistake: file, line, key, reason, what is allowed, and what was probably meant.
    """
    problems, warnings = _judge(file, text_only)
    mistakes.tell(file, "the configuration", problems, warnings, json)


@app.command()
def migrate(file: Annotated[Path, typer.Argument(help="The configuration file.")]) -> None:
    """Bring a configuration of an earlier version to this one's form: the keys that changed; comments and all else stay as they are.

    A camera reads the earlier form too, and an update does this by itself. What the file was stays beside it, as FILE.before-migration.
    """
    from bodycamd.config import load as configuration
    from bodycamd.config.migrations import BEFORE, migrate

    applied = migrate(file, configuration.read(file))
    for key in applied:
        say(f"{file}: {key.named}: {key.value} was written beside {key.old[-1]}, which alone meant it before {key.since}")
    say(f"{file}{BEFORE}: what it was" if applied else f"{file}: in this version's form already, nothing was changed")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors that complete and check while typing."""
    from bodycamd.config import settings as configuration

    say_lines(json_text(configuration.schema(), indent=2).split("\n"))


@app.command()
def card(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
    out: Annotated[Path, typer.Option(help="The card: NAME.html, or NAME.pdf, which takes Chromium.")],
    language: Annotated[Language, typer.Option(help="The card's language.")] = "nl",
) -> None:
    """Write the officer's card, one A5: what the button does, and what lamp and vibration say, with this configuration.

    A card goes with the configuration that it was made from: make it anew after each change.
    """
    from bodycamd.config import load as configuration
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.card import officer_card
    from bodycamd.workshop.chromium import print_pdf

    if out.suffix not in (".html", ".pdf"):
        raise UsageError(f"--out {out}: a card is a page or a PDF: give it a name that ends in .html or .pdf")
    page = officer_card.card(configuration.load(file), language)
    write_new({out: print_pdf(page) if out.suffix == ".pdf" else page.encode()})
    say(str(out))


@app.command()
def firmware(file: Annotated[Path, typer.Argument(help="The configuration file.")]) -> None:
    """Print the lines that this configuration needs in the firmware's config.txt: buses, clock, sound board, lamps dark until the start."""
    from bodycamd.config import load as configuration
    from bodycamd.config.firmware import firmware_lines

    say_lines(list(firmware_lines(configuration.load(file))))


@app.command()
def wiring(
    file: Annotated[Path, typer.Argument(help="The configuration file.")],
    out: Annotated[Path, typer.Option(help="The drawing: NAME.svg, or NAME.png, which takes Chromium.")],
) -> None:
    """Draw what this configuration has on the header: each pin in use, its part, resistor, ground and supply.

    A drawing goes with the configuration that it was made from: make it anew after each change of a pin.
    """
    from bodycamd.config import load as configuration
    from bodycamd.linux.new_file import write_new
    from bodycamd.workshop.chromium import print_png
    from bodycamd.workshop.wiring.diagram import picture

    if out.suffix not in (".svg", ".png"):
        raise UsageError(f"--out {out}: a drawing is an SVG or a PNG: give it a name that ends in .svg or .png")
    svg, (width, height) = picture(configuration.load(file))
    write_new({out: print_png(svg, width, height) if out.suffix == ".png" else svg.encode()})
    say(str(out))


def _judge(file: Path, text_only: bool) -> tuple[list[Problem], list[Problem]]:
    """Mistakes and warnings, in the order of their lines. Raises `ConfigError` where the file cannot be read."""
    from bodycamd.camera import named_files
    from bodycamd.config import checks
    from bodycamd.config import load as configuration

    found = configuration.judge(configuration.read(file), file)
    problems = list(found.problems)
    if found.config is not None and not text_only:
        problems = sorted(map(found.placed, named_files.problems(found.config)), key=in_order)
    warnings = [key.told(found.lines) for key in found.migrated]
    warnings += [found.placed(warning) for warning in checks.doubts(found.config)] if found.config is not None else []
    if found.config is not None and not text_only:
        _judge_with_orders(found.config, file, problems, warnings)
    return problems, warnings


def _judge_with_orders(config: Config, file: Path, problems: list[Problem], warnings: list[Problem]) -> None:
    """Where this camera has settings by order: which count over the file, and whether it starts with both."""
    from bodycamd.camera.keeping import ordered_settings

    try:
        found = ordered_settings.find(config, file)
        if found is None or found.in_force is None:
            return
        changed = ", ".join(sorted(found.in_force.changes))
        warnings.append(Problem("", f"an order has set {changed}: that counts over this file (docs/orders.md)", ""))
        ordered_settings.in_force(config, file)
    except PermissionDeniedError as error:
        warnings.append(Problem("", f"what orders have set was not looked at: {error}", ""))
    except ConfigError as error:
        problems.append(Problem("", f"with what orders have set, the recorder does not start: {error}", ""))
