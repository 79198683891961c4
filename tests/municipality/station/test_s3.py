"""A bucket as the station's store: locked until the receipt's day and no longer, read back, one version each, and gone by version.

In `make test` by moto, in this process; with the mark `rgw` by a real Ceph RGW on this machine (`tests/kit/rgw.py`).
"""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from bodycamd.errors import ConfigError, DataError, NotFoundError, StorageError
from bodycamd.evidence import receipts
from bodycamd.evidence.statements import wall_us
from bodycamd.municipality.station import s3_storage
from bodycamd.municipality.station.s3_storage import Mode, S3Storage
from bodycamd.municipality.station.segments import StoredBundle, StoredSegment
from tests.kit.rgw import Rgw
from tests.kit.scale import one_in, only_in_full
from tests.municipality.station.life import DAY_US, DEVICE, Life
from tests.municipality.station.test_rebuild import rows

RECORDING = "000001-0001"
KEY = f"cameras/HV-01/recordings/{RECORDING}/000000.tar"


@dataclass
class Bucket:
    """One with Object Lock, and a client of somebody else's beside the station's."""

    client: Any
    name: str
    endpoint: str | None

    def opened(self, data: Path, mode: Mode = "GOVERNANCE") -> S3Storage:
        return S3Storage(data, self.name, mode=mode, endpoint=self.endpoint)

    def versions(self) -> list[tuple[str, bool]]:
        found = self.client.list_object_versions(Bucket=self.name)
        return [(one["Key"], "Size" in one) for one in [*found.get("Versions", ()), *found.get("DeleteMarkers", ())]]

    def lock(self, key: str = KEY) -> tuple[str | None, int]:
        found = self.client.head_object(Bucket=self.name, Key=key)
        until = found.get("ObjectLockRetainUntilDate")
        return found.get("ObjectLockMode"), round(until.timestamp() * 1e6) if isinstance(until, datetime) else 0


@pytest.fixture(scope="session")
def rgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rgw]:
    with Rgw(tmp_path_factory.mktemp("rgw")) as started:
        yield started


@pytest.fixture(params=["moto", pytest.param("rgw", marks=pytest.mark.rgw)])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "STATION")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stationsecret")
    name = f"bodycamd-{time.time_ns()}"
    if request.param == "rgw":
        endpoint = request.getfixturevalue("rgw").endpoint
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        yield Bucket(client, name, endpoint)
        return
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        yield Bucket(client, name, None)


@pytest.fixture
def storage(bucket: Bucket, tmp_path: Path) -> S3Storage:
    return bucket.opened(tmp_path)


def now_us() -> int:
    return time.time_ns() // 1000


def segment(content: bytes) -> StoredSegment:
    return StoredSegment(RECORDING, 0, "000000.tar", len(content), hashlib.sha256(content).hexdigest())


def put(storage: S3Storage, staged: Path, content: bytes = b"footage", until_us: int | None = None) -> int:
    staged.write_bytes(content)
    return storage.put_segment(DEVICE, segment(content), staged, now_us() + 5 * DAY_US if until_us is None else until_us, now_us())


@only_in_full
@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_segment_is_locked_until_the_receipts_day_and_not_a_second_longer(bucket: Bucket, tmp_path: Path, mode: Mode) -> None:
    until_us = now_us() + 5 * DAY_US + 999_999
    found_us = put(bucket.opened(tmp_path, mode), tmp_path / "staged", until_us=until_us)
    assert 0 <= until_us - found_us < 2_000_000
    assert bucket.lock() == (mode, found_us)
    assert not (tmp_path / "staged").exists()


def test_again_it_is_the_same_version_with_its_first_lock(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    """After a crash before the receipt: a later one would lock it for longer than received plus the term."""
    first_us = put(storage, tmp_path / "staged")
    assert put(storage, tmp_path / "staged", until_us=first_us + 3_600_000_000) == first_us
    assert bucket.versions() == [(KEY, True)]


def test_other_bytes_under_a_known_name_are_refused(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    put(storage, tmp_path / "staged")
    with pytest.raises(DataError, match="another file"):
        put(storage, tmp_path / "staged", b"others!")
    assert bucket.client.get_object(Bucket=bucket.name, Key=KEY)["Body"].read() == b"footage"


@only_in_full
def test_a_lock_that_has_not_ended_is_not_broken(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    put(storage, tmp_path / "staged")
    with pytest.raises(StorageError, match="the store refuses"):
        storage.delete_recording(DEVICE, RECORDING)
    assert (storage.has_recording(DEVICE, RECORDING), bucket.versions()) == (True, [(KEY, True)])


@only_in_full
def test_every_version_goes_and_what_only_hides_one(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    put(storage, tmp_path / "staged", until_us=now_us())
    bucket.client.put_object(Bucket=bucket.name, Key=KEY, Body=b"by somebody else")
    bucket.client.delete_object(Bucket=bucket.name, Key=KEY)
    assert storage.has_recording(DEVICE, RECORDING)
    other = f"cameras/HV-01/recordings/{RECORDING}0/000000.tar"
    bucket.client.put_object(Bucket=bucket.name, Key=other, Body=b"another recording")
    storage.delete_recording(DEVICE, RECORDING)
    assert not storage.has_recording(DEVICE, RECORDING)
    assert bucket.versions() == [(other, True)]
    storage.delete_recording(DEVICE, RECORDING)


@only_in_full
def test_it_goes_when_its_lock_has_ended(bucket: Bucket, storage: S3Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_storage, "MIN_LOCK_US", 0)
    until_us = put(storage, tmp_path / "staged", until_us=now_us() + 3_000_000)
    while now_us() < until_us + 1_000_000:
        time.sleep(0.2)
    storage.delete_recording(DEVICE, RECORDING)
    assert bucket.versions() == []


@only_in_full
@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_a_lock_is_made_longer_and_never_shorter(bucket: Bucket, tmp_path: Path, mode: Mode) -> None:
    storage = bucket.opened(tmp_path, mode)
    found_us = put(storage, tmp_path / "staged", until_us=now_us() + 5 * DAY_US)
    stored = StoredSegment(RECORDING, 0, "000000.tar", 0, "")
    assert storage.keep_longer(DEVICE, stored, found_us - DAY_US) == found_us
    longer_us = storage.keep_longer(DEVICE, stored, found_us + DAY_US + 7)
    assert longer_us == found_us + DAY_US
    assert bucket.lock() == (mode, longer_us)
    assert bucket.versions() == [(KEY, True)]
    with pytest.raises(DataError, match="not in the store"):
        storage.keep_longer(DEVICE, StoredSegment(RECORDING, 1, "000001.tar", 0, ""), longer_us)


def test_what_is_stored_is_read_for_each_answer(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    put(storage, tmp_path / "staged")
    content = bucket.client.get_object(Bucket=bucket.name, Key=KEY)["Body"].read()
    assert storage.digest(DEVICE, RECORDING, "000000.tar", b"nonce") == hashlib.sha256(b"nonce" + content).hexdigest()
    with pytest.raises(DataError, match="not in the store"):
        storage.digest(DEVICE, RECORDING, "000001.tar", b"nonce")


@only_in_full
def test_what_is_due_already_is_not_locked(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    """A store refuses a day that is past."""
    until_us = now_us() + 1000
    assert put(storage, tmp_path / "staged", until_us=until_us) == until_us
    assert bucket.lock() == (None, 0)


def test_a_segment_that_was_hidden_is_told(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    put(storage, tmp_path / "staged")
    bucket.client.delete_object(Bucket=bucket.name, Key=KEY)
    with pytest.raises(DataError, match="deleted it without a version"):
        put(storage, tmp_path / "staged")


def md5(content: bytes) -> str:
    return b64encode(hashlib.md5(content).digest()).decode()


class Lying:
    """A store that says it has done what it was asked for."""

    def __init__(self, client: Any, **changes: Any) -> None:
        self._client, self._changes = client, changes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_object(self, **words: Any) -> Any:
        words |= {name: value for name, value in self._changes.items() if value is not None}
        return self._client.put_object(**{name: value for name, value in words.items() if self._changes.get(name, 0) is not None})


LIES: dict[str, dict[str, Any]] = {
    "it drops the lock": {"ObjectLockMode": None, "ObjectLockRetainUntilDate": None},
    "it locks for longer": {"ObjectLockRetainUntilDate": datetime(2099, 1, 1, tzinfo=UTC)},
    "it keeps other bytes": {"Body": b"f00tage", "ContentMD5": md5(b"f00tage")},
    "it keeps fewer bytes": {"Body": b"foot", "ContentMD5": md5(b"foot"), "ContentLength": 4},
}


@only_in_full
@one_in(4)
@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_does_otherwise_gets_no_receipt(lie: str, storage: S3Storage, tmp_path: Path) -> None:
    storage._client = Lying(storage._client, **LIES[lie])
    with pytest.raises(DataError, match=r"not locked as it was asked|another file"):
        put(storage, tmp_path / "staged")


@only_in_full
def test_small_files_are_kept_once_and_come_in_order(bucket: Bucket, storage: S3Storage) -> None:
    for n in (2, 1, 10):
        storage.put_receipt(DEVICE, n, b"receipt %d" % n)
        storage.put_document(n, b"document %d" % n)
    storage.put_receipt(DEVICE, 2, b"receipt 2")
    storage.put_audit(1, [b"a", b"b"])
    storage.put_audit(3, [b"c"])
    assert list(storage.receipts(DEVICE)) == [b"receipt 1", b"receipt 2", b"receipt 10"]
    assert list(storage.documents()) == [(1, b"document 1"), (2, b"document 2"), (10, b"document 10")]
    assert list(storage.audit_lines()) == [b"a", b"b", b"c"]
    assert len(bucket.versions()) == 8
    with pytest.raises(StorageError, match="another file"):
        storage.put_receipt(DEVICE, 2, b"receipt two")


def test_a_bucket_that_cannot_lock_or_locks_by_itself_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    plain = f"{bucket.name}-plain"
    bucket.client.create_bucket(Bucket=plain)
    for name in (plain, f"{bucket.name}-none"):
        with pytest.raises(ConfigError, match="made with Object Lock"):
            S3Storage(tmp_path, name, endpoint=bucket.endpoint)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 28}}
    bucket.client.put_object_lock_configuration(Bucket=bucket.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule})
    with pytest.raises(ConfigError, match="counts from the upload"):
        bucket.opened(tmp_path)


@only_in_full
def test_a_store_that_is_away_is_told(bucket: Bucket, storage: S3Storage, tmp_path: Path) -> None:
    away = boto3.client("s3", endpoint_url="http://127.0.0.1:9", region_name="us-east-1", config=Config(retries={"max_attempts": 0}))
    storage._client = away
    with pytest.raises(StorageError, match="cannot be reached"):
        list(storage.documents())
    with pytest.raises(StorageError, match="cannot be reached"):
        put(storage, tmp_path / "staged")
    assert (tmp_path / "staged").read_bytes() == b"footage"


@only_in_full
def test_a_life_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    """With moto forty days ago by the station's clock: so the locks have ended by the store's."""
    days = 40 if bucket.endpoint is None else 0
    life = Life(tmp_path, wall_us=now_us() - days * DAY_US, storage=bucket.opened)
    name = life.record()
    life.send()
    keys = [key for key, _ in bucket.versions() if "/recordings/" in key]
    assert len(keys) == len(set(keys)) == 2
    for raw in life.storage.receipts(DEVICE):
        receipt = receipts.decode(raw, "x").receipt
        key = f"cameras/HV-01/recordings/{name}/{receipt.segment:06d}.tar"
        assert bucket.lock(key) == ("GOVERNANCE", wall_us(receipt.kept_until, "x"))
    with life.rebuilt() as (done, file):
        assert done.problems == ()
        assert rows(file) == rows(tmp_path / "station" / "index.sqlite")
    if days:
        life.off(29)
        assert life.sweep().deleted == ((DEVICE, name),)
        assert [key for key, _ in bucket.versions() if "/recordings/" in key] == []
    life.close()


@only_in_full
def test_a_bundle_lies_there_in_one_version_unlocked_and_goes_with_all_of_them(bucket: Bucket, tmp_path: Path) -> None:
    storage, content, name = bucket.opened(tmp_path), bytes(range(256)) * 40, "ab" * 32
    bundle = StoredBundle(name, len(content), hashlib.sha256(content).hexdigest())
    for _ in range(2):
        storage.put_bundle(bundle, BytesIO(content))
    assert storage.bundles() == [(name, len(content))]
    assert bucket.versions() == [(f"bundles/{name}.bundle", True)]
    assert bucket.lock(f"bundles/{name}.bundle") == (None, 0)
    found = [storage.bundle_part(name, at, 3000) for at in (0, 3000, 6000, 9000, 12_000, len(content))]
    assert {size for size, _ in found} == {len(content)}
    assert b"".join(part for _, part in found) == content
    with pytest.raises(DataError, match="remove it first"):
        storage.put_bundle(StoredBundle(name, 5, hashlib.sha256(b"other").hexdigest()), BytesIO(b"other"))
    with pytest.raises(DataError, match="not kept"):
        storage.put_bundle(StoredBundle("cd" * 32, 5, hashlib.sha256(b"another").hexdigest()), BytesIO(b"other"))
    assert storage.bundles() == [(name, len(content))]
    storage.delete_bundle(name)
    assert bucket.versions() == []
    for missing in (storage.delete_bundle, lambda one: storage.bundle_part(one, 0, 1)):
        with pytest.raises(NotFoundError):
            missing(name)
