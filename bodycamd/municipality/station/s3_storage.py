"""The station's store in a bucket with Object Lock and versions.

A segment comes by one PutObject that carries its lock date; lock, size and SHA-256 are read back from that very version before anybody is
told (a store may take a wrong checksum, and one was seen to drop the date of an upload in parts). GOVERNANCE by default: who has the right
to bypass it can; COMPLIANCE, that nobody can shorten, also prevents the erasure of what should never have been filmed. The lock is never
longer than the receipt says: the bucket has no default of its own, which would count from the upload.

The lock ends by itself and deletes nothing: deleting is the sweep's, by version, every one of them; a delete without a version would only
hide.
"""

from __future__ import annotations

import hashlib
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from msgspec import Struct

from bodycamd.errors import ConfigError, DataError, NotFoundError, StorageError
from bodycamd.municipality.station.segments import StoredBundle, StoredSegment
from bodycamd.municipality.station.storage import BUNDLE_SUFFIX, BUNDLES_FOLDER, MAX_AUDIT_FILE_BYTES, Storage

Mode: TypeAlias = Literal["GOVERNANCE", "COMPLIANCE"]
CHUNK_BYTES: Final = 1024 * 1024
SECOND_US: Final = 1_000_000
MIN_LOCK_US: Final = 60 * SECOND_US
"""What is due sooner is not locked: by the store's own clock it might be over already, and then the whole request is refused."""
TIMEOUT_SECONDS: Final = 60


_making = threading.Lock()
"""boto3's own session makes one client at a time; what it has made may be used from any thread."""


def s3_client(endpoint: str | None, region: str | None) -> BaseClient:
    """A client of an S3 service. Raises `ConfigError` for what is none."""
    config = Config(
        connect_timeout=TIMEOUT_SECONDS,
        read_timeout=TIMEOUT_SECONDS,
        retries={"max_attempts": 3, "mode": "standard"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        with _making:
            return boto3.client("s3", endpoint_url=endpoint, region_name=region or "us-east-1", config=config)
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"s3: {error}; allowed: the URL and the region of an S3 service") from error


class _Version(Struct, frozen=True):
    """One version of a name. `hides`: it is no content, and makes the name look deleted."""

    key: str
    id: str
    newest: bool
    hides: bool


class S3Storage(Storage):
    """In a bucket of its own. Who may use it, boto3 finds as it always does (its environment, its files, the machine's role)."""

    locks = True

    def __init__(
        self, data: Path, bucket: str, *, mode: Mode = "GOVERNANCE", endpoint: str | None = None, region: str | None = None
    ) -> None:
        """Raises `ConfigError` for a bucket without Object Lock and versions, or with a default of its own; `StorageError`."""
        super().__init__(data)
        self._bucket, self._mode = bucket, mode
        self._client = s3_client(endpoint, region)
        self._check_bucket()

    def _check_bucket(self) -> None:
        allowed = "allowed: a bucket that was made with Object Lock, and without a default retention"
        with failing(f"s3: bucket {self._bucket}"):
            try:
                found = self._client.get_object_lock_configuration(Bucket=self._bucket)["ObjectLockConfiguration"]
            except ClientError as error:
                if code_of(error) in ("ObjectLockConfigurationNotFoundError", "NoSuchBucket", "404"):
                    raise ConfigError(f"s3.bucket: {self._bucket}: {code_of(error)}; {allowed}") from error
                raise
            if found.get("Rule"):
                raise ConfigError(f"s3.bucket: {self._bucket}: it locks by a default of its own, which counts from the upload; {allowed}")

    def put_segment(self, device: str, segment: StoredSegment, staged: Path, kept_until_us: int, now_us: int) -> int:
        """As of the port. The lock is of whole seconds, and never longer than was asked for."""
        key = f"{_folder(device, segment.recording)}{segment.file}"
        with failing(key):
            if (version := self._newest(key)) is not None:
                return self._read_back(key, version, segment, None)
            until_us = kept_until_us // SECOND_US * SECOND_US
            locked = until_us - now_us >= MIN_LOCK_US
            lock = {"ObjectLockMode": self._mode, "ObjectLockRetainUntilDate": _moment(until_us)} if locked else {}
            with staged.open("rb") as body:
                checksum = b64encode(hashlib.file_digest(body, "md5").digest()).decode()
                body.seek(0)
                put = self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentLength=segment.size, ContentMD5=checksum, **lock
                )
            found_us = self._read_back(key, put["VersionId"], segment, until_us if locked else None)
        staged.unlink(missing_ok=True)
        return found_us if locked else kept_until_us

    def keep_longer(self, device: str, segment: StoredSegment, kept_until_us: int) -> int:
        """As of the port. A lock is only made longer, which nobody needs a right to bypass for."""
        key = f"{_folder(device, segment.recording)}{segment.file}"
        with failing(key):
            version = self._there(key)
            found_us = self._locked_until_us(self._client.head_object(Bucket=self._bucket, Key=key, VersionId=version))
            until_us = kept_until_us // SECOND_US * SECOND_US
            if until_us <= found_us:
                return found_us
            lock = {"Mode": self._mode, "RetainUntilDate": _moment(until_us)}
            self._client.put_object_retention(Bucket=self._bucket, Key=key, VersionId=version, Retention=lock)
            found_us = self._locked_until_us(self._client.head_object(Bucket=self._bucket, Key=key, VersionId=version))
        if found_us != until_us:
            raise DataError(f"{key}: version {version} is not locked as it was asked for")
        return until_us

    def _there(self, key: str) -> str:
        version = self._newest(key)
        if version is None:
            raise DataError(f"{key}: it is not in the store")
        return version

    @staticmethod
    def _locked_until_us(found: Mapping[str, object]) -> int:
        retained = found.get("ObjectLockRetainUntilDate")
        return round(retained.timestamp() * SECOND_US) if isinstance(retained, datetime) else 0

    def segment_chunks(self, device: str, recording: str, file: str) -> Iterator[bytes]:
        """As of the port."""
        key = f"{_folder(device, recording)}{file}"
        with failing(key):
            found = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=self._there(key))
            yield from found["Body"].iter_chunks(CHUNK_BYTES)

    def delete_recording(self, device: str, recording: str) -> None:
        """As of the port. A lock that has not ended by the store's clock raises `StorageError`: the next sweep tries again."""
        folder = _folder(device, recording)
        with failing(folder):
            for one in list(self._versions(folder)):
                self._client.delete_object(Bucket=self._bucket, Key=one.key, VersionId=one.id)
            if (left := next(self._versions(folder), None)) is not None:
                raise StorageError(f"{left.key}: version {left.id} is there after it was deleted")

    def has_recording(self, device: str, recording: str) -> bool:
        """As of the port."""
        with failing(recording):
            return next(self._versions(_folder(device, recording)), None) is not None

    def has_segment(self, device: str, recording: str, file: str) -> bool:
        """As of the port."""
        key = f"{_folder(device, recording)}{file}"
        with failing(key):
            return self._newest(key) is not None

    def segments(self, device: str, recording: str) -> frozenset[str]:
        """As of the port; what is hidden is not there."""
        folder = _folder(device, recording)
        with failing(folder):
            return frozenset(one.key.removeprefix(folder) for one in self._versions(folder) if one.newest and not one.hides)

    def recordings(self, device: str) -> list[str]:
        """As of the port."""
        prefix = f"cameras/{device}/recordings/"
        with failing(prefix):
            return sorted({one.key.removeprefix(prefix).partition("/")[0] for one in self._versions(prefix)})

    def put_bundle(self, bundle: StoredBundle, source: BinaryIO) -> None:
        """As of the port; it is not locked: whoever runs the station may take it away."""
        key = _bundle(bundle.name)
        with failing(key):
            version = self._newest(key)
            if version is None:
                checksum = hashlib.md5(usedforsecurity=False)
                source.seek(0)
                while chunk := source.read(CHUNK_BYTES):
                    checksum.update(chunk)
                source.seek(0)
                md5 = b64encode(checksum.digest()).decode()
                put = self._client.put_object(Bucket=self._bucket, Key=key, Body=source, ContentLength=bundle.size, ContentMD5=md5)
                version, new = put["VersionId"], True
            else:
                new = False
            found = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)
            digest = hashlib.sha256()
            for chunk in found["Body"].iter_chunks(CHUNK_BYTES):
                digest.update(chunk)
            if (found["ContentLength"], digest.hexdigest()) == (bundle.size, bundle.sha256):
                return
            if new:
                self._client.delete_object(Bucket=self._bucket, Key=key, VersionId=version)
                raise DataError(f"{key}: it does not read back as it was, or changed while it was sent: it is not kept")
        raise DataError(f"{key}: another file of this bundle is here, signed by another key: remove it first")

    def bundles(self) -> list[tuple[str, int]]:
        """As of the port."""
        with failing(BUNDLES_FOLDER):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{BUNDLES_FOLDER}/")
            found = [(one["Key"], one["Size"]) for page in pages for one in page.get("Contents", ()) if one["Key"].endswith(BUNDLE_SUFFIX)]
        return sorted((key.removeprefix(f"{BUNDLES_FOLDER}/").removesuffix(BUNDLE_SUFFIX), size) for key, size in found)

    def bundle_part(self, name: str, offset: int, most_bytes: int) -> tuple[int, bytes]:
        """As of the port."""
        with failing(_bundle(name)):
            try:
                size: int = self._client.head_object(Bucket=self._bucket, Key=_bundle(name))["ContentLength"]
                if offset >= size:
                    return size, b""
                there = f"bytes={offset}-{offset + most_bytes - 1}"
                part: bytes = self._client.get_object(Bucket=self._bucket, Key=_bundle(name), Range=there)["Body"].read(most_bytes)
            except ClientError as error:
                if code_of(error) in ("NoSuchKey", "404"):
                    raise NotFoundError(f"bundle {name}: this station does not have it") from error
                raise
            return size, part

    def delete_bundle(self, name: str) -> None:
        """As of the port."""
        key = _bundle(name)
        with failing(key):
            versions = [one for one in self._versions(key) if one.key == key]
            if not versions:
                raise NotFoundError(f"bundle {name}: this station does not have it")
            for one in versions:
                self._client.delete_object(Bucket=self._bucket, Key=one.key, VersionId=one.id)

    def _newest(self, key: str) -> str | None:
        """The version that has the name. Raises `DataError` where it is hidden."""
        for one in self._versions(key):
            if one.key == key:
                if one.hides:
                    raise DataError(f"{key}: version {one.id} hides it: somebody has deleted it without a version")
                return one.id
        return None

    def _read_back(self, key: str, version: str, segment: StoredSegment, until_us: int | None) -> int:
        """Until when the version is locked; 0 where it is not. Raises `DataError` where it is not what was sent, or `until_us` is given and
        not its lock."""
        found = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version)
        digest = hashlib.sha256()
        for chunk in found["Body"].iter_chunks(CHUNK_BYTES):
            digest.update(chunk)
        if (found["ContentLength"], digest.hexdigest()) != (segment.size, segment.sha256):
            raise DataError(f"{key}: version {version} is another file; both are kept")
        found_us = self._locked_until_us(found)
        if until_us is not None and (found_us, found.get("ObjectLockMode")) != (until_us, self._mode):
            raise DataError(f"{key}: version {version} is not locked as it was asked for: {found.get('ObjectLockRetainUntilDate')}")
        return found_us

    def _versions(self, prefix: str) -> Iterator[_Version]:
        """What is below a prefix, the newest of each name first."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            found = [_Version(one["Key"], one["VersionId"], one["IsLatest"], False) for one in page.get("Versions", ())]
            found += [_Version(one["Key"], one["VersionId"], one["IsLatest"], True) for one in page.get("DeleteMarkers", ())]
            yield from sorted(found, key=lambda one: (one.key, not one.newest))

    def _put(self, name: str, raw: bytes) -> None:
        with failing(name):
            try:
                before = self._get_raw(name, MAX_AUDIT_FILE_BYTES)
            except ClientError as error:
                if code_of(error) not in ("NoSuchKey", "404"):
                    raise
            else:
                if before != raw:
                    raise StorageError(f"{name}: another file has this name already; it is left as it is")
                return
            checksum = b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
            self._client.put_object(Bucket=self._bucket, Key=name, Body=raw, ContentMD5=checksum)
            if self._get_raw(name, MAX_AUDIT_FILE_BYTES) != raw:
                raise StorageError(f"{name}: it does not read back as it was written")

    def _names(self, folder: str) -> Iterator[str]:
        with failing(folder):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{folder}/"):
                yield from sorted(one["Key"].removeprefix(f"{folder}/") for one in page.get("Contents", ()))

    def _get(self, name: str, most_bytes: int) -> bytes:
        with failing(name):
            return self._get_raw(name, most_bytes)

    def _get_raw(self, name: str, most_bytes: int) -> bytes:
        found = self._client.get_object(Bucket=self._bucket, Key=name)
        raw: bytes = found["Body"].read(most_bytes + 1)
        if len(raw) > most_bytes:
            raise DataError(f"{name}: more than {most_bytes} bytes")
        return raw


def _folder(device: str, recording: str) -> str:
    return f"cameras/{device}/recordings/{recording}/"


def _bundle(name: str) -> str:
    return f"{BUNDLES_FOLDER}/{name}{BUNDLE_SUFFIX}"


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / SECOND_US, UTC)


def code_of(error: ClientError) -> str:
    """What the store calls it, such as `NoSuchKey`."""
    return str(error.response.get("Error", {}).get("Code", "?"))


@contextmanager
def failing(what: str) -> Iterator[None]:
    """Whatever the store says that is not expected is `StorageError`."""
    try:
        yield
    except ClientError as error:
        raise StorageError(f"{what}: the store refuses: {code_of(error)}") from error
    except (BotoCoreError, OSError) as error:
        raise StorageError(f"{what}: the store cannot be reached: {type(error).__name__}") from error
