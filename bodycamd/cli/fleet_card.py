"""`bodycamd fleet card`, `cards` and `show-card`: what a new camera boots from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli import fleet_option
from bodycamd.cli.fleet_option import FleetOption
from bodycamd.cli.output import counted, print_json, say, say_lines, size, table
from bodycamd.errors import UsageError

if TYPE_CHECKING:
    from bodycamd.workshop.fleet.boot_partition import BootPartition
    from bodycamd.workshop.fleet.card_making import Held

Image = Annotated[
    Path | None, typer.Option("--image", help="The image of a card (Raspberry Pi OS trixie), which is changed.", readable=False)
]
BootPartitionFolder = Annotated[
    Path | None, typer.Option("--boot-partition", help="The mounted boot partition of a card that was written already.", readable=False)
]
BundleFile = Annotated[Path | None, typer.Option("--bundle", help="The program: bodycamd-VERSION.bundle.", readable=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print a list of {name, size, what, kind}.")]


def card(
    camera: Annotated[str, typer.Argument(help="The camera's name, as in the fleet file.")],
    image: Image = None,
    boot_partition: BootPartitionFolder = None,
    bundle: BundleFile = None,
    fleet: FleetOption = fleet_option.FLEET,
    json: AsJson = False,
) -> None:
    """Make the card of a camera: its configuration, who may read its footage, and a token that is worth something once.

    No password is on it, and nobody can log in but by an SSH key of the fleet file. What the card holds is printed.
    """
    from bodycamd.workshop.fleet.card_series import Series

    target = _target(image, boot_partition)
    reading, found = fleet_option.usable(fleet)
    with Series.of(reading, found, fleet, bundle, fleet_option.now_us()) as series:
        _tell(series.make(camera, target), json)


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
    say(counted(len(names), "card"), err=True)


def show_card(image: Image = None, boot_partition: BootPartitionFolder = None, json: AsJson = False) -> None:
    """Check a card strictly, and print what it holds. cloud-init itself passes over misspelt keys; this does not."""
    from bodycamd.workshop.fleet.card_files import FOLDER
    from bodycamd.workshop.fleet.card_making import contents, held

    target = _target(image, boot_partition)
    _tell(held(contents(target), target.names(FOLDER), target.names("")), json)


def _target(image: Path | None, boot_partition: Path | None) -> BootPartition:
    from bodycamd.workshop.fleet.boot_partition import ImagePartition, MountedPartition

    if image is not None and boot_partition is None:
        return ImagePartition(image)
    if boot_partition is not None and image is None:
        return MountedPartition(boot_partition)
    raise UsageError("give either --image FILE or --boot-partition DIR")


def _tell(held: list[Held], json: bool) -> None:
    if json:
        print_json([{"name": file.name, "size": file.size, "what": file.what, "kind": file.kind} for file in held])
        return
    say_lines(table([["file", "size", "who may know it", "what"], *([file.name, size(file.size), file.kind, file.what] for file in held)]))
