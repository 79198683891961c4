"""`bodycamd run`: the daemon, in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(config: Annotated[Path, typer.Option(help="The configuration file.")] = Path("/etc/bodycamd/bodycamd.yaml")) -> None:
    """Run the camera. systemd starts the same as `python -m bodycamd.camera.daemon.wiring`.

    SIGTERM and Ctrl-C close and seal a running recording first.
    """
    from bodycamd.camera.daemon import wiring as daemon

    raise typer.Exit(daemon.main(["--config", str(config)]))
