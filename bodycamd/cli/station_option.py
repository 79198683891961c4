"""Which station a command is about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FileArgument = Annotated[Path, typer.Argument(help="The station's configuration.", readable=False)]
DEFAULT_STATION = Path("/etc/bodycamd-station/station.yaml")
