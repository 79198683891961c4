"""`docs/measured.json`: the figures that the docs quote, each with its commit, date and machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "docs/measured.json"


def provenance() -> dict[str, str]:
    """Commit, date and machine of what is measured now."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=FILE.parent, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    return {"commit": commit, "date": datetime.now(UTC).date().isoformat(), "machine": f"{os.cpu_count()} x {platform.machine()}"}


def keep(where: Mapping[str, Any], *path: str) -> None:
    """Put figures into the file below a path of keys, in the place of those that were there; the others stay."""
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    inner = kept
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    inner[path[-1]] = where
    FILE.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
