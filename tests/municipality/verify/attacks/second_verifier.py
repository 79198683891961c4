"""Running the second verifier, and what `bodycamd verify` says in the same words. The attacks are in two files, so that two workers share
them; CI takes every third, the nightly run all.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bodycamd.municipality.verify.verdicts import StoreReport
from tests.kit.scale import IN_FULL, SCALE
from tests.municipality.verify.attacks.attack import Attack
from tests.municipality.verify.attacks.deletions import drop_first_start
from tests.municipality.verify.attacks.scene import CUT, INTACT, PROVEN, Scene
from tests.municipality.verify.attacks.table import ATTACKS
from tests.municipality.verify.attacks.test_attacks import check

SCRIPT = Path(__file__).parents[4] / "scripts" / "verify.sh"
CHOSEN = ATTACKS[:: 1 if SCALE >= 10 else 3 if SCALE >= 1 else 9 if SCALE >= IN_FULL else 60]


def second_opinion(scene: Scene, anchor: str) -> tuple[int, dict[str, str]]:
    options: list[str | Path] = ["--store", scene.store, "--device-key", scene.root / "device.pem"]
    (scene.root / "people").write_text("".join(f"{name} {key.raw.hex()}\n" for name, key in scene.people.values()))
    options += ["--people", scene.root / "people"]
    if anchor:
        (scene.root / "anchor").write_text(scene.anchors[anchor] + "\n")
        options += ["--anchor", scene.root / "anchor"]
    return run_second_verifier(*options)


def run_second_verifier(*options: str | Path, timeout_seconds: int = 110) -> tuple[int, dict[str, str]]:
    """Its exit code and its verdicts: of the store, and of each recording."""
    done = subprocess.run(["bash", SCRIPT, *options], capture_output=True, text=True, timeout=timeout_seconds)
    assert done.stderr == "", done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if not line.startswith(" ")]
    return done.returncode, {where: verdict for verdict, where in lines}


def said(report: StoreReport) -> tuple[int, dict[str, str]]:
    return report.exit_code, {"store": report.findings.worst, **{done.recording: done.verdict for done in report.recordings}}


def agree(attack: Attack, scene: Scene, folder: Path) -> None:
    """Carry out the attack on a copy and ask both."""
    attacked = scene.copy(folder / "attacked")
    attack.change(attacked)
    assert second_opinion(attacked, attack.anchor) == said(check(attacked, attack.anchor))


def shortened(scene: Scene) -> Scene:
    """The scene with its first start dropped from the ledger, stated with the key in use, and the recordings of that start deleted."""
    for recording in (INTACT, CUT):
        shutil.rmtree(scene.folder(recording))
        scene.append_entry(3, scene.keys["ram"], "deleting", {"recording": recording, "reason": "28 days have passed", **PROVEN})
        scene.append_entry(3, scene.keys["ram"], "deleted", {"recording": recording})
    drop_first_start(scene, "2025-07-25")
    return scene
