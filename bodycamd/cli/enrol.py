"""`bodycamd enrol`: on a new camera, once: its keys, and its application."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodycamd.cli.output import say
from bodycamd.config.paths import DEFAULT_CONFIG


def enrol(
    token: Annotated[Path, typer.Option(help="The file with the card's token; it is erased.", readable=False)],
    out: Annotated[Path, typer.Option(help="The application: for `bodycamd fleet enrol` on the technician's computer.")],
    config: Annotated[Path, typer.Option(help="The camera's configuration.", readable=False)] = DEFAULT_CONFIG,
) -> None:
    """Make this camera's keys, and its application to be enrolled. As the user of the service, before the service first starts.

    The private keys never leave the camera. What is printed is for comparing with what the technician's computer shows. It is refused where
    the folder of the keys is not there already, or is somebody else's: on a computer that is no camera, or as root.
    """
    from bodycamd.camera.enrolment.apply import apply, check_place
    from bodycamd.config.load import load

    settings = load(config)
    signing = Path(settings.keys.signing)
    own = signing.parent / "enrolment"
    check_place(signing.parent)
    signed = apply(settings.device_id, token, signing, own, out)
    say(f"its keys are in {signing} and {own}", err=True)
    say(f"{signed.application.camera} applies; compare this fingerprint:")
    say(signed.fingerprint)
