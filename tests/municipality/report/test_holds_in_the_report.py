"""The report goes to third parties: what it tells of a recording is from during the recording; of holds it tells only when asked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bodycamd.municipality.film.packet_hashes import Bound
from bodycamd.municipality.film.source import Source
from bodycamd.municipality.report.footage_facts import FootageFacts
from bodycamd.municipality.report.report import Binding, Report
from bodycamd.municipality.report.report_page import page
from bodycamd.municipality.report.story import Story, read_story
from tests.kit.local_time import AMSTERDAM
from tests.kit.resting_camera import DAY, RestingCamera


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first recording was held for two complaints; the hold on the second one was placed while the first start still ran."""
    camera = RestingCamera(tmp_path_factory.mktemp("held")).switch_on()
    camera.settle()
    name = camera.record()
    camera.hold(name, reference="K-2026/11", review_on="2026-01-03")
    camera.record()
    camera.switch_off()
    camera.switch_on(off_us=3 * DAY)
    camera.settle()
    camera.hold(name, reference="K-2026/12")
    camera.release_hold(camera.keeper.list_holds()[0].hold)
    camera.switch_off()
    return camera.store_folder


def shown(story: Story) -> str:
    nothing = {kind: Bound(0, 0, "", "") for kind in ("video", "audio")}
    report = Report(
        format="bodycam-report/1",
        made="2026-01-01T12:00:00+00:00",
        made_with="",
        timezone="Europe/Amsterdam",
        recording=story.recording,
        source=Source("cam", story.recording),
        story=story,
        footage=FootageFacts(),
        missing=[],
        films=[],
        binding=Binding(nothing, nothing, True),
        verification=None,
        repeat=[],
    )
    return page(report, "both", AMSTERDAM, {}) + msgspec.json.encode(report).decode()


def test_by_default_the_report_knows_no_holds(store: Path) -> None:
    story = read_story(store / "ledger", "000001-0001")
    told = shown(story)
    for words in ("K-2026", "coordinator", "hold_", "Hold ", "Veiligstelling", "veiliggesteld"):
        assert words not in told, words
    assert story.files, "and the rest is there"


def test_asked_for_they_stand_in_a_section_of_their_own(store: Path) -> None:
    story = read_story(store / "ledger", "000001-0001", with_holds=True)
    assert story.holds is not None
    assert [h.type for h in story.holds] == ["hold_added", "hold_review_due", "hold_added", "hold_released"]
    assert not [h for h in story.happenings if h.type.startswith("hold")]
    told = shown(story)
    for words in ("Veiligstelling", "Legal holds", "K-2026/11", "K-2026/12", "afgehandeld", "settled"):
        assert words in told, words
    assert "Deze opname is niet veiliggesteld." in shown(read_story(store / "ledger", "000001-0002", with_holds=True))
