"""Every attack on a store is detected with the right class; what only an anchor shows is detected with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.verify import anchors
from bodycamd.municipality.verify.verdicts import StoreReport, Verdict
from bodycamd.municipality.verify.verify import verify
from tests.kit.scale import one_in, sample
from tests.municipality.verify.attacks import table
from tests.municipality.verify.attacks.attack import STORE, Attack
from tests.municipality.verify.attacks.ledgers import next_start
from tests.municipality.verify.attacks.received import good_receipts
from tests.municipality.verify.attacks.scene import Scene, make
from tests.municipality.verify.attacks.table import ATTACKS

PAGE = Path(__file__).parents[4] / "docs" / "attacks.md"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make(tmp_path_factory.mktemp("scene") / "camera")


def check(scene: Scene, anchor: str = "") -> StoreReport:
    taken = anchors.from_line(scene.anchors[anchor], "anchor") if anchor else None
    return verify(scene.store, PublicKey.from_pem(scene.device_pem), taken, people=scene.people)


def verdict_at(report: StoreReport, where: str) -> Verdict:
    if where == STORE:
        return report.findings.worst
    return next((done.verdict for done in report.recordings if done.recording == where), "intact")


def test_the_scene_is_what_it_is_said_to_be(scene: Scene) -> None:
    for anchor in ("", "at_rest", "earlier", "running"):
        report = check(scene, anchor)
        assert {done.recording: done.verdict for done in report.recordings} == {
            "000001-0001": "intact",
            "000001-0002": "deleted",
            "000001-0003": "incomplete",
            "000002-0001": "intact",
            "000002-0002": "incomplete",
            "000003-0001": "intact",
            "000003-0002": "open",
        }
        assert (report.verdict, report.exit_code, report.anchor) == ("incomplete", 3, "extended" if anchor else "")


def test_receipts_that_go_with_the_ledger_change_nothing(scene: Scene, tmp_path: Path) -> None:
    received = scene.copy(tmp_path / "received")
    good_receipts(received)
    assert [done.verdict for done in check(received).recordings] == [done.verdict for done in check(scene).recordings]


@one_in(3)
@pytest.mark.parametrize("attack", sample(ATTACKS, 4), ids=lambda attack: attack.title.replace(" ", "-"))
def test_attack(attack: Attack, scene: Scene, tmp_path: Path) -> None:
    attacked = scene.copy(tmp_path / "attacked")
    attack.change(attacked)
    if attack.anchor_only:
        report = check(attacked)
        assert report.exit_code == 3, "without the anchor it looks like a camera that was cut off"
        assert attack.verdict in ("altered", "unverifiable")
    report = check(attacked, attack.anchor)
    assert verdict_at(report, attack.where) == attack.verdict, report
    assert report.verdict == attack.verdict or attack.verdict == "open", report


@pytest.mark.parametrize("anchor", ["at_rest", "earlier", "running"])
def test_an_anchor_is_of_this_camera_whatever_it_is_called_today(anchor: str, scene: Scene, tmp_path: Path) -> None:
    renamed = scene.copy(tmp_path / "renamed")
    next_start(renamed, "cam-8")
    report = check(renamed, anchor)
    assert (report.device, report.anchor, report.findings.worst) == ("cam-8", "extended", "intact")
    assert any("the device is called 'cam-8' from here on" in finding.what for finding in report.findings.listed)


def test_there_are_at_least_sixty_and_no_two_are_the_same() -> None:
    assert len({attack.title for attack in ATTACKS}) == len(ATTACKS) >= 60


def test_the_page_is_generated_from_these_tests() -> None:
    assert PAGE.read_text() == table.page(), "write it anew: python -m tests.municipality.verify.attacks.table > docs/attacks.md"
