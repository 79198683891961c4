"""Holds by their own id: two complaints about one recording are two holds, and what older software wrote stays valid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError, NotFoundError, UsageError
from bodycamd.evidence import pseudonyms
from bodycamd.evidence.retention_entries import HoldAdded, HoldReleased
from bodycamd.retention.holds import ReleaseRequest
from tests.kit.resting_camera import DAY, HOUR, WHO, RestingCamera, format_1


def details(camera: RestingCamera, kind: str) -> list[dict[str, str]]:
    lines = [line[89:] for path in sorted((camera.store_folder / "ledger").glob("0*")) for line in path.read_text().splitlines()]
    return [said["detail"] for said in map(json.loads, lines) if said["type"] == kind]


def test_the_end_of_one_complaint_does_not_end_the_other(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    name = camera.record()
    first = camera.hold(name, reference="K-2026/1")
    second = camera.hold(name, reference="K-2026/2")
    assert first != second
    with pytest.raises(UsageError, match=rf"held 2 times: name the hold to release: {first} for complaint \(K-2026/1\); {second}"):
        camera.release(name)
    with pytest.raises(UsageError, match="held 2 times"):
        camera.release(name, "complaint")
    camera.release_hold(first)
    camera.switch_off()
    camera.switch_on(off_us=60 * DAY)
    camera.settle()
    assert camera.present() == [name], "the other complaint still holds it"
    with pytest.raises(NotFoundError, match="there is no such hold"):
        camera.release_hold(first)
    camera.release(name)  # one is left: no doubt what is meant
    assert camera.sweep() == [name]
    camera.switch_off()
    assert [(said["hold"], said["reason"]) for said in details(camera, "hold_released")] == [(first, "settled"), (second, "settled")]
    assert camera.verified_types().count("hold_added") == 2


def test_a_release_that_contradicts_its_hold_is_refused(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    name, other = camera.record(), camera.record()
    hold = camera.hold(name)
    right: dict[str, Any] = {"hold": hold, "recording": None, "ground": None, "reason": "mistake", "by": "C-1"}
    for wrong in ({"recording": other}, {"ground": "access-request"}, {"reason": "because J. de Vries asked"}, {"by": "J. de Vries"}):
        with pytest.raises(UsageError):
            camera.keeper.release_hold(ReleaseRequest(**{**right, **wrong}), WHO, camera.store.ledger.note)
    assert [listed.hold for listed in camera.keeper.list_holds()] == [hold]
    camera.keeper.release_hold(ReleaseRequest(**right), WHO, camera.store.ledger.note)
    assert camera.keeper.list_holds() == []
    camera.switch_off()


def test_a_release_whose_recording_is_another_one_releases_nothing(tmp_path: Path) -> None:
    """Written by who has the key: what it says contradicts itself, and footage stays."""
    camera = RestingCamera(tmp_path).switch_on()
    name, other = camera.record(), camera.record()
    hold = camera.hold(name)
    camera.store.ledger.note(HoldReleased(recording=other, ground="complaint", reason="settled", by="C-1", hold=hold))
    assert [listed.hold for listed in camera.keeper.list_holds()] == [hold]
    camera.switch_off()


def test_holds_of_older_software_go_on_and_end_by_recording_or_by_id(tmp_path: Path) -> None:
    with format_1():
        camera = RestingCamera(tmp_path).switch_on()
        camera.settle()
        names = [camera.record() for _ in range(3)]
        for name in names:
            said = HoldAdded(recording=name, ground="complaint", reference="J. de Vries, Dorpsstraat 12", by="Jan", review_on="2026-01-02")
            camera.store.ledger.note(said)
        camera.store.ledger.note(HoldReleased(recording=names[2], ground="complaint", reason="he asked", by="Jan"))
        camera.store.close()
    camera.switch_on(off_us=60 * DAY)
    camera.settle()
    assert camera.present() == names[:2]
    assert [listed.hold for listed in camera.keeper.list_holds()] == [f"{name}.complaint" for name in names[:2]]
    camera.hold(names[0])
    camera.release_hold(f"{names[0]}.complaint")
    camera.release(names[1], "complaint")
    camera.run(HOUR)
    assert camera.present() == [names[0]]
    camera.switch_off()
    assert [said["hold"] for said in details(camera, "hold_review_due")] == [f"{name}.complaint" for name in names[:2]]
    camera.verified_types()


def test_each_start_is_held_to_its_own_format(tmp_path: Path) -> None:
    """The same entries, in a start of each format: what is new is refused in the old one, what is loose in the new one."""
    loose = HoldAdded(recording="000001-0001", ground="complaint", reference="two words", by="somebody", review_on="2030-01-01")
    new = HoldAdded(recording="000001-0001", ground="complaint", reference="K-1", by="C-1", review_on="2030-01-01", hold="0123456789ab")
    with format_1():
        camera = RestingCamera(tmp_path).switch_on()
        camera.store.ledger.note(loose)
        with pytest.raises(DataError, match="hold is no field of bodycam-ledger/1"):
            camera.store.ledger.note(new)
        camera.store.ledger.append("shift_begin", {"officer": "Jan de Vries"})
        camera.store.close()
    camera.switch_on(same_boot=True)
    with pytest.raises(DataError, match="in bodycam-ledger/2"):
        camera.store.ledger.note(loose)
    with pytest.raises(DataError, match="in bodycam-ledger/2"):
        camera.store.ledger.append("shift_begin", {"officer": "Jan de Vries"})
    camera.store.ledger.note(new)
    camera.store.close()
    assert camera.verified_types().count("hold_added") == 2


def test_a_shift_with_a_name_is_not_taken_over_so_that_a_press_still_records(tmp_path: Path) -> None:
    with format_1():
        camera = RestingCamera(tmp_path).switch_on()
        camera.store.ledger.append("shift_begin", {"officer": "Jan de Vries"})
        camera.store.close()
    camera.switch_on(same_boot=True)
    assert camera.store.shift is None
    camera.store.close()


PERSONAL = ["Jan de Vries", "Jansen", "Dorpsstraat 12", "Kerkstraat-12", "j.jansen", "naam: H-12", "KKKKKKKKx-1"]
PERSONAL += ["H-12\n", "é-1", " K-1", "K-1 ", ""]


@pytest.mark.parametrize("text", PERSONAL)
def test_names_and_addresses_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="Z-2026/00123"):
        pseudonyms.reference(text, "--reference")
    if text not in ("Kerkstraat-12", "KKKKKKKKx-1"):
        for check in (pseudonyms.pseudonym, pseudonyms.decider):
            with pytest.raises(UsageError, match=r"never a name"):
                check(text, "--by")


@pytest.mark.parametrize("text", ["Z-2026/00123", "K-1", "PL0900-2026123456", "2026.17_b", "1", "KLACHTEN-2026-7"])
def test_case_numbers_are_taken(text: str) -> None:
    assert pseudonyms.reference(text, "--reference") == text


@settings(max_examples=100)
@given(st.text(max_size=60))
def test_what_the_commands_take_the_ledger_takes_and_nothing_else(text: str) -> None:
    """The bounds for people and those of the entries are the same."""
    from bodycamd.evidence.entries import check_format
    from bodycamd.evidence.statements import ClockQuality, Entry

    def stated(**changed: str) -> bool:
        detail = {"recording": "000001-0001", "ground": "complaint", "reference": "K-1", "by": "C-1", "review_on": "2030-01-01"}
        common = {"n": 1, "prev": "0" * 64, "key": "0" * 64, "device": "c", "start": 1, "boot_id": "b", "boottime_ns": 0}
        entry = Entry(
            **common,  # type: ignore[arg-type]
            wall="2026-01-01T00:00:00.000000Z",
            clock=ClockQuality(source="s"),
            type="hold_added",
            detail={**detail, "hold": "0" * 12, **changed},
        )
        try:
            check_format(entry, "bodycam-ledger/2", "here")
        except DataError:
            return False
        return True

    for field, check in (("reference", pseudonyms.reference), ("by", pseudonyms.decider)):
        try:
            taken = check(text, "--it") == text
        except UsageError:
            taken = False
        assert stated(**{field: text}) == taken
