"""What runs is stated in each start, and what changed it once in the ledger, whatever became of the camera in between."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bodycamd.camera.installation import installed
from bodycamd.camera.installation.installed import Change, Installed, encode_changes, installed_in, read_changes
from bodycamd.camera.installation.manifest import bundle_sha256
from bodycamd.camera.keeping.opening import open_kept_store
from bodycamd.camera.keeping.software_changes import UnstatedChanges, entry_of
from bodycamd.config.load import load
from bodycamd.evidence.entries import StartDetail
from bodycamd.evidence.keys import provision
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.noted_entries import SoftwareChanged
from bodycamd.linux.clock import SettableClock
from bodycamd.municipality.words.sentences import in_words
from tests.kit.bundles import Release

FIRST = Change(1, "installed", "0.2.0", "a" * 64, "", "", "")
SECOND = Change(2, "updated", "0.3.0", "b" * 64, "0.2.0", "a" * 64, "")
MIGRATED = Change(4, "updated", "0.4.0", "d" * 64, "0.3.0", "b" * 64, "", "board.battery.gauge")
THIRD = Change(3, "rolled_back", "0.2.0", "a" * 64, "0.3.0", "b" * 64, "not_ready")


@pytest.fixture(autouse=True)
def _forget() -> None:
    installed.running.cache_clear()


def test_the_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    (tmp_path / "changes.jsonl").write_bytes(encode_changes((FIRST, SECOND, THIRD)))
    assert read_changes(tmp_path) == (FIRST, SECOND, THIRD)
    assert b"configuration" not in encode_changes((FIRST, SECOND, THIRD)), "versions of before read every line that says nothing of it"
    (tmp_path / "changes.jsonl").write_bytes(encode_changes((FIRST, MIGRATED)))
    assert read_changes(tmp_path) == (FIRST, MIGRATED)
    many = tuple(FIRST._replace(number=n) for n in range(1, 200))
    assert encode_changes(many).count(b"\n") == installed.MAX_CHANGES


@pytest.mark.parametrize(
    "line",
    [b"", b"x", b"[]", b"{}", b"[" * 10_000, b"null", *(encode_changes((change,)) for change in (
        FIRST._replace(number=0), FIRST._replace(reason="x\x1b"),
        FIRST._replace(bundle="a"), FIRST._replace(configuration="x\n"),
        FIRST._replace(reason="\u202e"), FIRST._replace(reason="x" * 201),
    ))],
)  # fmt: skip
def test_a_line_that_the_installer_does_not_write_is_passed_over(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "changes.jsonl").write_bytes(encode_changes((FIRST,)) + line + b"\n" + encode_changes((THIRD,)))
    assert read_changes(tmp_path) == (FIRST, THIRD)


def test_without_a_record_nothing_changed(tmp_path: Path) -> None:
    assert read_changes(tmp_path) == ()
    assert installed_in(tmp_path) is None
    (tmp_path / "bundle.json").write_bytes(b"{}")
    assert installed_in(tmp_path) is None


def test_each_change_is_stated_once() -> None:
    stated: list[tuple[str, object]] = []
    for record in ((FIRST,), (FIRST,), (FIRST, SECOND, THIRD), (SECOND, THIRD)):
        changes = UnstatedChanges(record)
        for _, detail in stated:
            assert isinstance(detail, SoftwareChanged)
            changes.take(detail)
        changes.state(lambda type, detail: stated.append((type, detail)))
    assert stated == [("software_changed", entry_of(change)) for change in (FIRST, SECOND, THIRD)]


@pytest.mark.parametrize("bundled", [True, False])
def test_every_start_names_the_bundle_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundled: bool) -> None:
    """A real ledger, opened as the daemon opens it: twice, with an update in between."""
    version = tmp_path / "opt/0.2.0"
    version.mkdir(parents=True)
    if bundled:
        (version / "bundle.json").write_bytes(Release(tmp_path).manifest("0.2.0"))
    (version.parent / "changes.jsonl").write_bytes(encode_changes((FIRST,)))
    monkeypatch.setattr(sys, "prefix", str(version))
    (config_file := tmp_path / "bodycamd.yaml").write_text(
        f"device_id: cam-7\nstorage:\n  directory: store\nkeys:\n  signing: {tmp_path}/signing\n"
    )
    config, clock = load(config_file), SettableClock(wall_us=1_800_000_000_000_000)
    provision(tmp_path / "signing")
    for number in range(2):
        store, _ = open_kept_store(config, clock)
        store.close()
        if number == 0:
            (version.parent / "changes.jsonl").write_bytes(encode_changes((FIRST, SECOND)))
    lines = list(VerifiedLedger(tmp_path / "store/ledger"))
    name = Installed("0.2.0", bundle_sha256(Release(tmp_path).manifest("0.2.0"))).bundle if bundled else None
    assert [line.detail.bundle for line in lines if isinstance(line.detail, StartDetail)] == [name, name]
    changes = [line.detail for line in lines if isinstance(line.detail, SoftwareChanged)]
    assert changes == ([entry_of(FIRST), entry_of(SECOND)] if bundled else [])
    words = " ".join(in_words(line.entry) for line in lines)
    assert ("bundle " + (name or "") in words) if bundled else ("a development checkout: not from a signed bundle" in words)
