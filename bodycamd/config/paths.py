"""Where things are on a camera that was installed as packaged. A configuration may say otherwise."""

from __future__ import annotations

from pathlib import Path

DEFAULT_CONFIG = Path("/etc/bodycamd/bodycamd.yaml")
DEFAULT_STORE = Path("/var/lib/bodycamd/store")
DEFAULT_SOCKET = Path("/run/bodycamd/control.sock")
DEFAULT_SENSORS = Path("/run/bodycamd-sensors/readings.sock")
DEFAULT_CARDS = Path("/run/bodycamd-cards/cards.sock")
