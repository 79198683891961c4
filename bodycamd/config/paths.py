"""Where things are on a camera that was installed as packaged. A configuration may say otherwise."""

from __future__ import annotations

from pathlib import Path

DEFAULT_CONFIG = Path("/etc/bodycamd/bodycamd.yaml")
DEFAULT_STORE = Path("/var/lib/bodycamd/store")
DEFAULT_SOCKET = Path("/run/bodycamd/control.sock")
DEFAULT_SENSORS = Path("/run/bodycamd-sensors/readings.sock")
DEFAULT_CARDS = Path("/run/bodycamd-cards/cards.sock")
OFFLOAD_SOCKET = Path("/run/bodycamd-offload.sock")
OFFLOAD_GROUP = "bodycam-offload"
"""Whose members may take sealed footage off the camera, and log that they did: both are in the units and not configured."""
