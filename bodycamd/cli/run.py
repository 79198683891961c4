"""`bodycamd run`: the daemon, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(config: Annotated[Path, typer.Option(help="The configuration file.")] = Path("/etc/bodycamd/bodycamd.yaml")) -> None:
    """Run the camera. systemd starts the same as `python -m bodycamd.camera.daemon`.

    SIGTERM and Ctrl-C close and seal a running recording first.
    """
    from bodycamd.camera.daemon.__main__ import main

    raise typer.Exit(main(["--config", str(config)]))
