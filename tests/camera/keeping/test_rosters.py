"""The roster on the camera: which is in force after whatever came, and to whom footage is encrypted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.camera.keeping.rosters import IN_FORCE, NEXT, SET_ASIDE, Rosters, prepared, recipients_text
from bodycamd.config.settings import Config, KeySettings
from bodycamd.errors import ConfigError, StorageError
from bodycamd.evidence import suspension
from bodycamd.evidence.noted_entries import RosterAccepted
from bodycamd.evidence.roster import DAY_US, Roster, SignedRoster
from bodycamd.evidence.roster_acceptance import Now
from bodycamd.evidence.statements import Stated
from bodycamd.evidence.suspension import Suspension
from tests.evidence.rostering import FIRST, LATER, NOW, NOW_US, ROOT, ROOT_2, camera, key, person, recipient, signed
from tests.kit.scale import count

CARD = signed(FIRST)
NEWER = signed(LATER)


class Card:
    """A camera's folders with a ledger that is a list. `start` is a start of its daemon."""

    def __init__(self, root: Path, device: str = "HV-01", first: SignedRoster = CARD) -> None:
        self.root = root
        self.ledger: list[Stated] = []
        (root / "root.json").write_bytes(msgspec.json.encode(ROOT, order="sorted"))
        self.put(first)
        (root / "recipients.txt").write_text(f"{recipient('E-01')}\n# both\n{recipient('E-02')}\n")
        keys = {name: str(root / name) for name in ("root.json", "roster.txt", "recipients.txt", "signing")}
        self.config = Config(
            device_id=device,
            keys=KeySettings(root=keys["root.json"], roster=keys["roster.txt"], recipients=keys["recipients.txt"], signing=keys["signing"]),
        )

    def put(self, roster: SignedRoster) -> None:
        (self.root / "roster.txt").write_bytes(roster.document.file_bytes)

    def start(self, now: Now = NOW) -> Rosters:
        found = prepared(self.config)
        assert found is not None
        rosters = Rosters(found)
        for detail in self.ledger:
            rosters.take(detail)
        rosters.begin(now, self.ledger.append)
        return rosters

    @property
    def recipients(self) -> list[str]:
        return recipients_text(self.config, prepared(self.config)).splitlines()

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in (self.root / "rosters").iterdir())


def in_force(rosters: Rosters) -> int | None:
    return rosters.in_force.roster.version if rosters.in_force is not None else None


def team_of(*names: str) -> list[str]:
    return sorted(recipient(name) for name in names)


def test_the_cards_roster_is_in_force_from_the_first_start_on_and_each_start_states_it(tmp_path: Path) -> None:
    card = Card(tmp_path)
    assert in_force(card.start()) == 7
    assert in_force(card.start()) == 7
    stated = [detail.sha256 for detail in card.ledger if isinstance(detail, RosterAccepted)]
    assert stated == [CARD.document.sha256] * 2
    assert card.kept == [IN_FORCE]


def test_a_newer_roster_comes_by_the_card_or_by_a_courier_and_no_older_one(tmp_path: Path) -> None:
    card = Card(tmp_path)
    card.start()
    card.put(NEWER)
    rosters = card.start()
    assert in_force(rosters) == 8
    assert rosters.offer(CARD, NOW, card.ledger.append).outcome == "older"
    assert rosters.offer(NEWER, NOW, card.ledger.append).outcome == "unchanged"
    assert rosters.offer(signed(replace(LATER, version=9)), NOW, card.ledger.append).outcome == "accepted"
    assert (in_force(rosters), in_force(card.start())) == (9, 9)


def test_a_card_that_lay_in_a_drawer_has_no_roster_in_force_and_still_has_recipients(tmp_path: Path) -> None:
    card = Card(tmp_path)
    rosters = card.start(Now(NOW_US + 200 * DAY_US, trusted=True))
    assert (in_force(rosters), card.ledger) == (None, [])
    assert card.recipients == team_of("E-01", "E-02")


def test_what_the_root_has_not_signed_stops_the_start(tmp_path: Path) -> None:
    card = Card(tmp_path, first=signed(FIRST, "stranger"))
    with pytest.raises(ConfigError, match="not signed by the root"):
        card.start()
    (tmp_path / "root.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"keys\.root"):
        card.start()


def test_after_a_change_of_root_the_cards_roster_is_that_of_the_new_root(tmp_path: Path) -> None:
    card = Card(tmp_path)
    rosters = card.start()
    moved = signed(replace(LATER, root=ROOT_2), "root-1", "root-3", "root-4")
    assert rosters.offer(moved, NOW, card.ledger.append).accepted
    card.put(signed(replace(LATER, root=ROOT_2, version=9), "root-4", "root-5"))
    assert in_force(card.start()) == 9
    assert card.recipients == team_of("E-01", "E-02")


@pytest.mark.parametrize("device", ["HV-01", "new-camera"])
def test_footage_is_encrypted_to_the_rosters_recipients_and_to_nobody_else(tmp_path: Path, device: str) -> None:
    """A listed camera's recipients file is not even read."""
    card = Card(tmp_path, device)
    card.start()
    assert card.recipients == team_of("E-01", "E-02")
    (tmp_path / "recipients.txt").write_text(f"{recipient('E-01')}\n{recipient('stranger')}\n")
    if device == "HV-01":
        assert card.recipients == team_of("E-01", "E-02")
    else:
        with pytest.raises(ConfigError, match="names others"):
            assert card.recipients
        (tmp_path / "recipients.txt").write_text(f"{recipient('E-01')}\n")
        with pytest.raises(ConfigError, match="at least 2"):
            assert card.recipients


def test_a_new_roster_counts_for_the_recordings_of_the_next_start(tmp_path: Path) -> None:
    card = Card(tmp_path)
    rosters = card.start()
    joined = replace(LATER, people=(*LATER.people, person("E-03", "evidence")))
    rosters.offer(signed(joined), NOW, card.ledger.append)
    assert card.recipients == team_of("E-01", "E-02", "E-03")


def test_a_cut_at_each_step_leaves_one_roster_or_the_other(tmp_path: Path) -> None:
    def refused(_: Stated) -> None:
        raise StorageError("no space left on device")

    card = Card(tmp_path)
    rosters = card.start()
    with pytest.raises(StorageError):
        rosters.offer(NEWER, NOW, refused)
    assert card.kept == [IN_FORCE, NEXT]
    assert in_force(card.start()) == 7
    folder = tmp_path / "rosters"
    before = (folder / IN_FORCE).read_bytes()
    rosters.offer(NEWER, NOW, card.ledger.append)
    (folder / IN_FORCE).rename(folder / NEXT)
    (folder / IN_FORCE).write_bytes(before)
    assert in_force(card.start()) == 8
    assert card.kept == [IN_FORCE]


def test_another_roster_in_the_place_of_the_stated_one_is_set_aside(tmp_path: Path) -> None:
    """Whoever writes the camera's folder has no other recipients by it, and no other people, even with a root of their own."""
    card = Card(tmp_path)
    card.start()
    theirs = replace(FIRST, root=replace(ROOT_2, version=9), people=(person("M-1", "evidence"), person("M-2", "evidence")))
    (tmp_path / "rosters" / IN_FORCE).write_bytes(signed(theirs, "root-3", "root-4").document.file_bytes)
    with pytest.raises(StorageError, match="not the roster that the ledger states"):
        card.start()
    assert card.kept == [SET_ASIDE]
    card.put(NEWER)
    rosters = card.start()
    assert in_force(rosters) is None
    assert card.recipients == team_of("E-01", "E-02")
    assert rosters.offer(NEWER, NOW, card.ledger.append).outcome == "not_signed"
    assert rosters.offer(CARD, NOW, card.ledger.append).accepted
    assert in_force(card.start()) == 8


def test_a_suspension_counts_until_the_next_roster_and_survives_a_restart(tmp_path: Path) -> None:
    card = Card(tmp_path)
    rosters = card.start()
    taken = suspension.sign(
        Suspension(roster=CARD.document.sha256, by="P-01", made_at="2026-03-09T12:00:00.000000Z", people=("C-01",)), key("P-01")
    )
    not_allowed = suspension.sign(replace(taken.suspension, by="E-01"), key("E-01"))
    assert rosters.suspend(not_allowed, card.ledger.append) == "not_allowed"
    for _ in range(2):
        assert rosters.suspend(taken, card.ledger.append) == "accepted"
    assert rosters.suspended == (taken,)
    rosters = card.start()
    assert rosters.suspended == (taken,)
    rosters.offer(NEWER, NOW, card.ledger.append)
    assert not rosters.suspended
    assert card.kept == [IN_FORCE]
    assert not card.start().suspended


STEPS = st.lists(st.tuples(st.sampled_from(["card", "courier", "restart", "cut"]), st.integers(5, 14)), max_size=12)


@settings(max_examples=count(120), deadline=None)
@given(STEPS)
def test_the_roster_in_force_only_grows_and_is_the_one_that_the_ledger_states(tmp_path_factory: Any, steps: list[tuple[str, int]]) -> None:
    card = Card(tmp_path_factory.mktemp("card"))
    rosters = card.start()
    best = 7

    def cut(detail: Stated) -> None:
        card.ledger.append(detail)
        raise StorageError("the power is gone")

    for how, version in steps:
        offered = signed(_of(version))
        if how == "card":
            card.put(offered)
            rosters = card.start()
        elif how == "courier":
            rosters.offer(offered, NOW, card.ledger.append)
        elif how == "restart":
            rosters = card.start()
            best = max(best, rosters.in_force.roster.version if rosters.in_force else 0)
            continue
        else:
            try:
                rosters.offer(offered, NOW, cut)
            except StorageError:
                rosters = card.start()
        best = max(best, version)
        stated = [detail.version for detail in card.ledger if isinstance(detail, RosterAccepted)]
        assert stated == sorted(stated)
        assert in_force(rosters) == stated[-1] == best


def _of(version: int) -> Roster:
    cameras = (*LATER.cameras, camera("HV-03")) if version > 9 else LATER.cameras
    return replace(LATER, version=version, cameras=cameras) if version != 7 else FIRST
