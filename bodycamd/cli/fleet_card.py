"""`bodycamd fleet card`, `cards` and `show-card`: what a new camera boots from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import counted, print_json, say, say_lines, size, table
from bodycamd.errors import UsageError
from bodycamd.foreign_text import Json

if TYPE_CHECKING:
    from bodycamd.workshop.fleet.boot_partition import BootPartition
    from bodycamd.workshop.fleet.card_making import Contents
    from bodycamd.workshop.fleet.card_series import Series
    from bodycamd.workshop.fleet.card_tokens import Token

Image = Annotated[
    Path | None, typer.Option("--image", help="The image of a card (Raspberry Pi OS trixie), which is changed.", readable=False)
]
BootPartitionFolder = Annotated[
    Path | None, typer.Option("--boot-partition", help="The mounted boot partition of a card that was written already.", readable=False)
]
BundleFile = Annotated[Path | None, typer.Option("--bundle", help="The program: bodycamd-VERSION.bundle.", readable=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print {camera, municipality, roster_version, token, token_until, files}.")]


def card(
    camera: Annotated[str, typer.Argument(help="The camera's name, as in the fleet file.")],
    image: Image = None,
    boot_partition: BootPartitionFolder = None,
    bundle: BundleFile = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Also where it is the card of another camera.")] = False,
    fleet: FleetOption = fleet_option.FLEET,
    json: AsJson = False,
) -> None:
    """Make the card of a camera: its configuration, who may read its footage, and a token that is worth something once.

    No password is on it, and nobody can log in but by an SSH key of the fleet file. What the card holds is printed. The card of another
    camera is refused, one of the same camera is made anew.
    """
    from bodycamd.workshop.fleet.card_series import Series
    from bodycamd.workshop.fleet.card_tokens import token_of

    target = _target(image, boot_partition)
    reading, found = fleet_option.usable(fleet)
    now_us = fleet_option.now_us()
    with Series.of(reading, found, fleet, bundle, now_us) as series:
        made = series.make(camera, target, overwrite=overwrite)
        _tell(made, token_of(made, series.writer.record, now_us), json)
        _tell_of_roster(series)
    _tell_of_bundle(bundle)


def cards(
    image: Annotated[Path, typer.Option("--image", help="An image of Raspberry Pi OS trixie; it stays as it is.", readable=False)],
    out: Annotated[Path, typer.Option(help="A folder for the images, CAMERA.img each.")],
    camera: Annotated[list[str] | None, typer.Option("--camera", help="These only; else every camera that has no card yet.")] = None,
    bundle: BundleFile = None,
    fleet: FleetOption = fleet_option.FLEET,
) -> None:
    """Make an image for each camera that has no card yet. Images are copied sparsely, or share what they can."""
    from bodycamd.workshop.fleet.card_series import Series

    reading, found = fleet_option.usable(fleet)
    with Series.of(reading, found, fleet, bundle, fleet_option.now_us()) as series:
        names = camera or series.without_card()
        for name in names:
            say(str(series.make_image(name, image, out)))
        _tell_of_roster(series)
    say(counted(len(names), "card"), err=True)
    if names:
        _tell_of_bundle(bundle)


def show_card(
    image: Image = None,
    boot_partition: BootPartitionFolder = None,
    fleet: Annotated[
        Path | None, typer.Option("--fleet", help="The fleet file: its record says what the token is worth.", readable=False)
    ] = None,
    json: AsJson = False,
) -> None:
    """Check a card strictly, and print whose it is and what it holds. cloud-init itself passes over misspelt keys; this does not."""
    from bodycamd.workshop.fleet.card_files import FOLDER
    from bodycamd.workshop.fleet.card_making import contents, held
    from bodycamd.workshop.fleet.card_tokens import token_of
    from bodycamd.workshop.fleet.record import read_record, record_path

    target = _target(image, boot_partition)
    card = held(contents(target), target.names(FOLDER), target.names(""), target.size_bytes)
    if fleet is not None:
        fleet_option.usable(fleet)
    _tell(card, token_of(card, read_record(record_path(fleet)) if fleet is not None else None, fleet_option.now_us()), json)


def _target(image: Path | None, boot_partition: Path | None) -> BootPartition:
    from bodycamd.workshop.fleet.boot_partition import ImagePartition, MountedPartition

    if image is not None and boot_partition is None:
        return ImagePartition(image)
    if boot_partition is not None and image is None:
        return MountedPartition(boot_partition)
    raise UsageError("give either --image FILE or --boot-partition DIR")


def _tell(card: Contents, token: Token, json: bool) -> None:
    if json:
        files: list[Json] = [{"name": file.name, "size": file.size, "what": file.what, "kind": file.kind} for file in card.files]
        print_json(
            {
                "camera": card.camera,
                "municipality": card.municipality,
                "roster_version": card.roster_version,
                "token": token.state,
                "token_until": token.until,
                "files": files,
            }
        )
        return
    say(f"the card of {card.camera}, {card.municipality}; roster {card.roster_version}; its token: {token.text}")
    rows = ([file.name, size(file.size), file.kind, file.what] for file in card.files)
    say_lines(table([["file", "size", "who may know it", "what"], *rows]))


def _tell_of_roster(series: Series) -> None:
    if missing := series.unsigned_cameras():
        more = f"; {len(missing) - 1} more" if len(missing) > 1 else ""
        say(f"the roster on it does not say yet: {missing[0]}{more}: bodycamd fleet roster signs the next one", err=True)


def _tell_of_bundle(bundle: Path | None) -> None:
    if bundle is None:
        say("no bundle was put on it: the first boot needs one (--bundle), or an image that has the program already", err=True)
