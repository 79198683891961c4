"""The pictures of the documents: `python -m tests.workshop.wiring.pictures` draws them anew."""

from __future__ import annotations

from pathlib import Path

from bodycamd.config.load import load
from bodycamd.workshop.wiring.diagram import picture

ROOT = Path(__file__).parents[3]
PICTURES = {
    "hardware/wiring.svg": "config/bodycamd.yaml",
    "hardware/wiring-zero-2-w.svg": "hardware/zero-2-w.yaml",
    "hardware/wiring-pi-4.svg": "hardware/pi-4.yaml",
}

if __name__ == "__main__":
    for file, configuration in PICTURES.items():
        (ROOT / file).write_text(picture(load(ROOT / configuration))[0], encoding="utf-8")
