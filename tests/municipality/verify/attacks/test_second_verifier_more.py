"""The other half of the attacks, for another worker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bodycamd.camera.recorder.store import Store
from tests.kit.scale import only_in_full
from tests.municipality.verify.attacks import ordered_entries as ordered
from tests.municipality.verify.attacks import received, room
from tests.municipality.verify.attacks.attack import Attack
from tests.municipality.verify.attacks.ledgers import next_start
from tests.municipality.verify.attacks.scene import SECOND_INTACT, Scene, make, ticking_clock
from tests.municipality.verify.attacks.second_verifier import CHOSEN, agree, said, second_opinion, shortened
from tests.municipality.verify.attacks.test_attacks import check

pytestmark = [only_in_full, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


@pytest.mark.parametrize("attack", CHOSEN[1::2], ids=lambda attack: attack.title.replace(" ", "-"))
def test_they_agree(attack: Attack, scene: Scene, tmp_path: Path) -> None:
    agree(attack, scene, tmp_path)


def test_they_agree_on_a_ledger_that_was_shortened(tmp_path: Path) -> None:
    """Start 1 is dropped behind a checkpoint, as retention does it, and the recordings that it spoke of are gone."""
    scene = make(tmp_path / "camera")
    old = scene.lines(1)[-1].decode()
    scene = shortened(scene)
    report = check(scene)
    assert report.findings.worst == "intact", report
    assert second_opinion(scene, "") == said(report)
    scene.anchors["old"] = old
    assert check(scene, "old").exit_code == 5, "what an anchor of a dropped start says cannot be told any more"
    assert second_opinion(scene, "old") == said(check(scene, "old"))
    checkpoint = scene.store / "ledger" / "checkpoint-000002.jsonl"
    (scene.store / "ledger" / "checkpoint-000001.jsonl").write_bytes(b"older\n")
    assert check(scene).findings.worst == "open"
    assert second_opinion(scene, "") == said(check(scene))
    scene.flip(checkpoint, 200)
    assert check(scene).exit_code == 4
    assert second_opinion(scene, "") == said(check(scene))


def test_they_agree_that_orders_and_what_came_of_them_are_sound(scene: Scene, tmp_path: Path) -> None:
    ordered_to = scene.copy(tmp_path / "ordered")
    ordered.good_orders(ordered_to)
    received.good_receipts(ordered_to)
    report = check(ordered_to)
    assert said(report) == said(check(scene))
    assert second_opinion(ordered_to, "") == said(report)


def test_they_agree_on_a_deletion_that_makes_room_rightly(scene: Scene, tmp_path: Path) -> None:
    for recording, shows in ((SECOND_INTACT, "deleted"), ("", "intact")):  # and on a copy, where it is still there
        attacked = scene.copy(tmp_path / shows)
        room.rightly(attacked)
        if not recording:
            shutil.copytree(scene.folder(SECOND_INTACT), attacked.folder(SECOND_INTACT))
        found = said(check(attacked))
        assert found[1][SECOND_INTACT] == shows
        assert second_opinion(attacked, "") == found


@pytest.mark.parametrize("anchor", ["at_rest", "running"])
def test_they_agree_on_a_camera_that_was_renamed(anchor: str, scene: Scene, tmp_path: Path) -> None:
    renamed = scene.copy(tmp_path / "renamed")
    next_start(renamed, "cam-8")
    assert second_opinion(renamed, anchor) == said(check(renamed, anchor))


def test_they_agree_on_a_torn_line_that_kept_its_end(tmp_path: Path) -> None:
    """Sound where the next start states it, byte for byte; altered until then, and where anything stands beside it."""
    scene = make(tmp_path / "camera")
    path = scene.ledger(3)
    *whole, last = path.read_bytes().splitlines(keepends=True)
    before = check(scene)
    torn = bytes(len(last) // 2) + last[len(last) // 2 :]
    path.write_bytes(b"".join(whole) + torn)
    assert check(scene).findings.worst == "altered"
    assert second_opinion(scene, "") == said(check(scene))
    Store.open(
        scene.store, signing=scene.root / "keys", device_id="cam-7", clock=ticking_clock(), config_sha256="0" * 64, boot_id="boot-1"
    ).close()
    report = check(scene)
    assert report.findings.worst == before.findings.worst
    assert second_opinion(scene, "") == said(report)
    for changed in (last, torn + last, torn + b"\n", torn[:-1], b"\1" + torn[1:]):
        path.write_bytes(b"".join(whole) + changed)
        assert check(scene).findings.worst == "altered"
        assert second_opinion(scene, "") == said(check(scene))
