"""A store that is opened with its retention, by the daemon and by commands: what it does, and what refuses it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from bodycamd.camera.keeping import opening
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.rosters import Prepared, Rosters
from bodycamd.camera.keeping.sending import Sending
from bodycamd.config.settings import Config, KeySettings, LedgerSettings, RetentionSettings, StorageSettings
from bodycamd.errors import PermissionDeniedError, StorageError, UsageError
from bodycamd.evidence.entries import RecordingClosed
from bodycamd.evidence.ledger_reader import KeyInForce
from bodycamd.evidence.retention_entries import RecordingDeleting
from bodycamd.evidence.statements import Caller
from bodycamd.linux.clock import boot_id
from bodycamd.retention.ledger_index import Facts
from bodycamd.retention.policy import Rules
from bodycamd.retention.room import Need
from tests.evidence.ordering import IN_FORCE
from tests.kit.resting_camera import HOUR, RestingCamera


def config_of(root: Path) -> Config:
    return Config(
        device_id="cam-9",
        storage=StorageSettings(directory=str(root / "store")),
        keys=KeySettings(signing=str(root / "signing")),
        retention=RetentionSettings(days=14, legal_basis="APV 2:1"),
        ledger=LedgerSettings(keep_months=12),
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RestingCamera:
    camera = RestingCamera(tmp_path_factory.mktemp("camera")).switch_on()
    camera.settle()
    camera.record()
    camera.switch_off()
    return camera


@pytest.fixture
def camera(made: RestingCamera, tmp_path: Path) -> RestingCamera:
    """A store with one recording and a confirmed clock, an hour before this boot began; nobody has it open."""
    shutil.copytree(made.root, tmp_path, dirs_exist_ok=True)
    camera = RestingCamera(tmp_path)
    camera.boot, camera.clock.wall_us, camera.clock.boottime_us = 1, made.clock.wall_us + HOUR, 1_000_000
    return camera


def entries(root: Path) -> list[dict[str, Any]]:
    """Of the newest start, without what recovery found."""
    path = max((root / "store/ledger").glob("0*.jsonl"))
    said = [json.loads(line[89:]) for line in path.read_bytes().splitlines()]
    return [each for each in said if each["type"] != "store_recovered"]


def test_the_settings_in_force_are_stated_by_their_digest(tmp_path: Path) -> None:
    """Whatever the order in which they stand."""
    config = config_of(tmp_path)
    stated = json.dumps(msgspec.to_builtins(config), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert opening.digest(config) == hashlib.sha256(stated.encode()).hexdigest()
    assert opening.rules_of(config) == Rules(14, 12, "APV 2:1")


def test_the_daemon_opens_the_store_and_goes_on_with_what_the_ledger_says(
    camera: RestingCamera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, accept = [], KeyInForce.accept

    def counted(self: KeyInForce, line: Any) -> Any:
        read.append(line.where)
        return accept(self, line)

    with monkeypatch.context() as counting:
        counting.setattr(KeyInForce, "accept", counted)
        store, keeper = opening.open_kept_store(config_of(tmp_path), camera.clock)
    assert len(read) == len(set(read)), "the ledger is read once"
    assert [said["type"] for said in entries(tmp_path)] == ["start", "retention_rules"]
    begun, rules = entries(tmp_path)
    assert (begun["device"], begun["start"], begun["boot_id"]) == ("cam-9", 2, boot_id())
    assert begun["detail"]["config_sha256"] == opening.digest(config_of(tmp_path))
    assert rules["detail"] == {"days": 14, "keep_months": 12, "legal_basis": "APV 2:1"}
    plan = keeper.plan()
    assert [each.recording for each in plan.upcoming] == ["000001-0001"]
    assert plan.clock_confirmed, "it goes on from the last boot"
    assert keeper.sweep(store.ledger.note) == []
    store.close()


@pytest.mark.parametrize("read_before", [False, True])
def test_what_was_begun_is_completed_whether_the_ledger_was_read_before_or_not(
    camera: RestingCamera, tmp_path: Path, read_before: bool
) -> None:
    camera.switch_on()
    camera.store.ledger.note(RecordingDeleting(recording="000001-0001", reason="28 days have passed"))
    camera.store.close()
    if read_before:
        store, keeper = opening.open_kept_store(config_of(tmp_path), camera.clock)
    else:
        camera.switch_on()
        store, keeper = camera.store, camera.keeper
    assert camera.present() == []
    assert keeper.plan().upcoming == []
    assert [said["type"] for said in entries(tmp_path)][-1] == "deleted"
    store.close()


# --- a command's own start ---


def test_a_command_makes_a_start_of_its_own_and_states_the_time_at_its_end(camera: RestingCamera, tmp_path: Path) -> None:
    asked: list[tuple[list[str], Caller, int]] = []

    def judge(facts: Facts, caller: Caller, wall_us: int) -> None:
        asked.append(([recording.id for recording in facts.recordings()], caller, wall_us))
        assert entries(tmp_path)[0]["start"] == 1, "nothing has begun yet"

    me = Caller(via="command", uid=os.getuid())
    with opening.own_start(config_of(tmp_path), camera.clock, judge) as (keeper, ledger, caller):
        assert caller == me
        assert ledger.start.number == 2
        assert keeper.list_holds() == []
    assert asked == [(["000001-0001"], me, camera.clock.wall_us)]
    assert [said["type"] for said in entries(tmp_path)] == ["start", "retention_rules", "time"]
    assert entries(tmp_path)[2]["detail"] == {"trusted": True, "confirmed": True}
    camera.clock.advance(HOUR)
    with opening.own_start(config_of(tmp_path), camera.clock):
        pass
    assert entries(tmp_path)[-1]["detail"] == {"trusted": True, "confirmed": True}, "in the same boot"
    camera.clock.trusted = False
    with opening.own_start(config_of(tmp_path), camera.clock):
        pass
    assert entries(tmp_path)[-1]["detail"] == {"trusted": False, "confirmed": False}


def test_what_is_refused_before_leaves_the_store_as_it_was(camera: RestingCamera, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("no")

    before = sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(UsageError), opening.own_start(config_of(tmp_path), camera.clock, refuse):
        raise AssertionError
    assert sorted((path, path.read_bytes()) for path in tmp_path.rglob("*") if path.is_file()) == before


def test_what_is_refused_later_ends_the_start_and_gives_the_store_back(camera: RestingCamera, tmp_path: Path) -> None:
    with pytest.raises(UsageError), opening.own_start(config_of(tmp_path), camera.clock):
        raise UsageError("no")
    assert [said["type"] for said in entries(tmp_path)] == ["start", "retention_rules"]
    with opening.own_start(config_of(tmp_path), camera.clock) as (_, ledger, _caller):
        assert ledger.start.number == 3


# --- whose store it is ---


class Rights:
    """Who runs this, and what it asks the kernel to become."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, user: int, owner: int) -> None:
        self.asked: list[Any] = []
        found = SimpleNamespace(st_uid=owner, st_gid=77)
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(Path, "stat", lambda path: found)
        for name in ("setgroups", "setresgid", "setresuid"):
            monkeypatch.setattr(os, name, lambda *ids, name=name: self.asked.append((name, *ids)))


@pytest.mark.parametrize(
    ("user", "owner", "becomes"),
    [
        (1000, 1000, []),
        (0, 0, []),
        (0, 998, [("setgroups", []), ("setresgid", 77, 77, 77), ("setresuid", 998, 998, 998)]),  # groups first: then the right is gone
    ],
)
def test_root_goes_on_as_the_owner(monkeypatch: pytest.MonkeyPatch, user: int, owner: int, becomes: list[Any]) -> None:
    rights = Rights(monkeypatch, user=user, owner=owner)
    opening._become_owner(Path("/store"))
    assert rights.asked == becomes


@pytest.mark.parametrize("owner", [0, 998])
def test_nobody_else_opens_it(monkeypatch: pytest.MonkeyPatch, owner: int) -> None:
    rights = Rights(monkeypatch, user=1000, owner=owner)
    with pytest.raises(PermissionDeniedError, match=r"^/store: it belongs to another user; run this as the service's user, or as root$"):
        opening._become_owner(Path("/store"))
    assert rights.asked == []


def test_a_store_that_is_not_there_or_out_of_sight(camera: RestingCamera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match=r"elsewhere/store: there is no store yet$"), opening.own_start(config, camera.clock):
        raise AssertionError

    def denied(path: Path) -> os.stat_result:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as hidden:
        hidden.setattr(Path, "stat", denied)
        with pytest.raises(PermissionDeniedError) as told:
            opening._become_owner(Path("/store"))
    assert str(told.value) == "/store: Permission denied; run this as the service's user, or as root"


def test_room_is_made_where_the_configuration_says_so_and_there_are_a_station_and_a_roster(camera: RestingCamera, tmp_path: Path) -> None:
    plain = config_of(tmp_path)
    config = msgspec.structs.replace(
        plain,
        storage=msgspec.structs.replace(plain.storage, when_full="overwrite_sent", reserve_minutes=10, directory=str(tmp_path / "store")),
    )
    sending = Sending("station-1", "cam-7", camera.clock)
    orders = Orders(Rosters(Prepared(IN_FORCE.roster.root, IN_FORCE, tmp_path / "rosters")), "cam-7", 14, camera.clock)
    for one in ((plain, orders, sending), (config, None, sending), (config, orders, None)):
        assert opening.making_room_of(one[0], camera.clock, one[1], one[2]) is None
    store, keeper = opening.open_kept_store(config, camera.clock, orders, sending)
    try:
        made = keeper.making_room
        assert made is not None
        rate = opening.expected_bytes_per_second(config)
        assert rate == (6_000_000 + 96_000) / 8 * 1.02
        assert made._need == Need(round(15 * 60 * rate), round(60 * 60 * rate))
        room = made.room_bytes()
        assert room is not None
        assert abs(os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize - room - 64 * 1024 * 1024) < 1 << 30
        assert list(made.sent.recordings) == ["000001-0001"], "the ledger of before is known"
        store.ledger.note(RecordingClosed(recording="000002-0001", reason="officer", duration_us=0, segments=0))
        keeper.held()
        assert list(made.sent.recordings) == ["000001-0001", "000002-0001"], "and what follows"
    finally:
        store.close()
