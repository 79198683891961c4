"""A camera of an earlier day gets today's version: its configuration is taken as it stands, and it goes on with its store.

The configurations are those that were shipped on that day (README.md). One that a later version refuses has its key in `REFUSED`, and the
changelog says what to write instead: an update ends with that key, and what runs stays.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bodycamd.camera.installation import installed
from bodycamd.camera.installation.manifest import bundle_sha256
from bodycamd.camera.keeping.opening import open_kept_store
from bodycamd.config.load import load, load_migrated
from bodycamd.config.strict_yaml import read_strictly
from bodycamd.errors import ConfigError
from bodycamd.evidence.entries import StartDetail
from bodycamd.evidence.ledger_chain import VerifiedLedger
from bodycamd.evidence.noted_entries import SoftwareChanged
from bodycamd.linux.clock import SettableClock
from bodycamd.municipality.words.sentences import in_words
from tests.kit.bundles import Release
from tests.kit.scale import sample

HERE = Path(__file__).parent
CONFIGURATIONS = sorted((HERE / "configurations").glob("*.yaml"))
STORES = sorted(path.parent.name for path in HERE.glob("*/expected.json"))
REFUSED: Mapping[str, str] = {}
"""By the configuration's name: the key with which today's version refuses it."""


def test_the_configurations_lie_here_as_they_were_shipped() -> None:
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in CONFIGURATIONS]
    assert lines == (HERE / "configurations/SHA256SUMS").read_text().splitlines()
    assert len(CONFIGURATIONS) >= 4


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=lambda path: path.stem)
def test_a_configuration_of_then_is_taken_or_its_key_is_named(path: Path) -> None:
    if path.stem in REFUSED:
        with pytest.raises(ConfigError, match=REFUSED[path.stem]):
            load(path)
    else:
        assert load(path).device_id == read_strictly(path.read_bytes(), path.name)["device_id"]


@pytest.mark.parametrize("migrated", sample([True, False], 2))
@pytest.mark.parametrize("store", sample(STORES, len(STORES)))
def test_the_new_version_goes_on_with_the_store_and_says_what_it_is(
    store: str, migrated: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first start after an update, as the installer leaves it: bundle, record, the store of before; and a configuration that today's
    version takes as it stands, or reads otherwise (`config.migrations`)."""
    camera = shutil.copytree(HERE / store, tmp_path / "camera")
    version = tmp_path / "opt/900.0.1"
    version.mkdir(parents=True)
    (version / "bundle.json").write_bytes(Release.manifest("900.0.1"))
    change = installed.Change(1, "updated", "900.0.1", "ab" * 32, "checkout", "", "", "board.battery.gauge" if migrated else "")
    (version.parent / "changes.jsonl").write_bytes(installed.encode_changes((change,)))
    monkeypatch.setattr(sys, "prefix", str(version))
    installed.running.cache_clear()
    text = CONFIGURATIONS[0].read_text().replace("camera-01", "cam-7").replace("/var/lib/bodycamd/device", str(camera / "signing"))
    text = text.replace("/var/lib/bodycamd", str(camera))
    (camera / "bodycamd.yaml").write_text(text.replace("supply: null", "supply: max17048") if migrated else text)
    assert [key.named for key in load_migrated(camera / "bodycamd.yaml")[1]] == ["board.battery.gauge"] * migrated
    before = list(VerifiedLedger(camera / "store/ledger"))
    opened, _ = open_kept_store(load(camera / "bodycamd.yaml"), SettableClock(wall_us=1_800_000_000_000_000))
    opened.close()
    installed.running.cache_clear()
    ledger = VerifiedLedger(camera / "store/ledger")
    after = [line for line in ledger if line.entry.start == opened.start]
    assert ledger.broken == ""
    assert [line.detail.bundle for line in after if isinstance(line.detail, StartDetail)] == [bundle_sha256(Release.manifest("900.0.1"))]
    stated = [line for line in after if isinstance(line.detail, SoftwareChanged)]
    assert [line.entry.detail["version"] for line in stated] == ["900.0.1"]
    assert ["board.battery.gauge" in in_words(line.entry) for line in stated] == [migrated]
    assert len(before) > 0
