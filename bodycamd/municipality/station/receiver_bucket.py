"""A camera's place at a receiver that is a bucket: another controller's, which may hold anything at all.

The names are those of `receiver_folder`, as keys. What has a key already is never written to, unless it is the beginning of what it grows
to; what is written is read back. Of a segment nothing but an unnamed file is on this computer meanwhile, which is gone with the process.
The inventory is made beside it, out of names: no footage is in what lies there for it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from botocore.exceptions import ClientError

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.copy_record import COPY_FILE
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.linux import durable
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.copies.copies import MAX_COPY_BYTES
from bodycamd.municipality.copies.copy_inventory import take_inventory
from bodycamd.municipality.station.s3_storage import CHUNK_BYTES, code_of, failing, s3_client
from bodycamd.municipality.station.segments import ExpectedSegment
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.store.names import LEDGER_FOLDER, RECORDINGS_FOLDER, is_segment, recording_start

ABSENT: Final = ("NoSuchKey", "404")


class ReceiverBucket:
    """Of one camera. Who may use the bucket, boto3 finds as for the station's own. All of it raises `DataError`, `StorageError`."""

    def __init__(self, bucket: str, device: str, *, endpoint: str | None, region: str | None) -> None:
        """Raises `ConfigError` for what is no S3 service."""
        self._bucket, self._device = bucket, device
        self._client = s3_client(endpoint, region)
        self.store = f"s3://{bucket}/{device}/{STORE_FOLDER}"

    def read(self, *words: str, limit: int) -> bytes | None:
        """As of `ReceiverFolder`."""
        key = self._key(words)
        with failing(key):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return None
                raise
            raw: bytes = found["Body"].read(limit + 1)
        if len(raw) > limit:
            raise DataError(f"{self._told(key)}: more than {limit} bytes")
        return raw

    def has(self, segment: ExpectedSegment, *words: str, still: Callable[[], None]) -> bool:
        """As of `ReceiverFolder`."""
        key, digest, left = self._key(words), hashlib.sha256(), segment.good_bytes
        with failing(key):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return False
                raise
            if found["ContentLength"] != segment.size:
                return False
            for chunk in found["Body"].iter_chunks(CHUNK_BYTES):
                still()
                digest.update(chunk[: max(0, left)])
                left -= len(chunk)
        return digest.hexdigest() == segment.sha256

    def is_as_long(self, segment: ExpectedSegment, *words: str) -> bool:
        """As of `ReceiverFolder`."""
        return self._size(self._key(words)) == segment.size

    def write(self, *words: str, raw: bytes, grows: bool = False) -> None:
        """As of `ReceiverFolder`."""
        key = self._key(words)
        before = self.read(*words, limit=max(len(raw), 1)) if self._size(key) <= len(raw) else b"\0" * (len(raw) + 1)
        if before == raw:
            return
        if before is not None and not (grows and raw.startswith(before)):
            raise self._taken(key)
        with failing(key):
            checksum = b64encode(hashlib.md5(raw, usedforsecurity=False).digest()).decode()
            self._client.put_object(Bucket=self._bucket, Key=key, Body=raw, ContentMD5=checksum)
        if self.read(*words, limit=max(len(raw), 1)) != raw:
            raise StorageError(f"{self._told(key)}: it does not read back as it was written")

    def copy(self, *words: str, chunks: Iterable[bytes]) -> None:
        """As of `ReceiverFolder`; read back whole."""
        key = self._key(words)
        if self._size(key) >= 0:
            raise self._taken(key)
        with tempfile.TemporaryDirectory() as beside, UnnamedFile(Path(beside), "segment") as spooled:
            whole, checksum = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
            for chunk in chunks:
                whole.update(chunk)
                checksum.update(chunk)
                durable.write_all(spooled.descriptor, (chunk,))
            with os.fdopen(spooled.second_descriptor(), "rb") as body, failing(key):
                size = body.seek(0, os.SEEK_END)
                body.seek(0)
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=body, ContentLength=size, ContentMD5=b64encode(checksum.digest()).decode()
                )
        back = hashlib.sha256()
        with failing(key):
            for chunk in self._client.get_object(Bucket=self._bucket, Key=key)["Body"].iter_chunks(CHUNK_BYTES):
                back.update(chunk)
        if back.digest() != whole.digest():
            raise StorageError(f"{self._told(key)}: it does not read back as it was written")

    def take_inventory(self, ledger: Path, key: SigningKey, now_us: int) -> None:
        """State, signed, what has come: by the names that are there, and the camera's ledger."""
        with tempfile.TemporaryDirectory() as beside:
            store = Path(beside) / STORE_FOLDER
            (store / LEDGER_FOLDER).mkdir(parents=True)
            for file in ledger.iterdir():
                (store / LEDGER_FOLDER / file.name).write_bytes(file.read_bytes())
            if (before := self.read(STORE_FOLDER, COPY_FILE, limit=MAX_COPY_BYTES)) is not None:
                (store / COPY_FILE).write_bytes(before)
            (store / RECORDINGS_FOLDER).mkdir()
            for recording, name in self._segments():
                (store / RECORDINGS_FOLDER / recording).mkdir(exist_ok=True)
                (store / RECORDINGS_FOLDER / recording / name).touch()
            take_inventory(store, key, now_us)
            self.write(STORE_FOLDER, COPY_FILE, raw=(store / COPY_FILE).read_bytes(), grows=True)

    def check_arrived(
        self,
        recording: str,
        segments: Sequence[ExpectedSegment],
        first_key: PublicKey,
        people: dict[str, tuple[str, PublicKey]],
        still: Callable[[], None],
    ) -> None:
        """Raises `DataError` unless each segment is there as the ledger states it; the ledger was read back when it was written. `still`
        is as of `has`."""
        for one in segments:
            if not self.has(one, STORE_FOLDER, RECORDINGS_FOLDER, recording, one.file, still=still):
                raise DataError(f"{self.store}: {recording}/{one.file} is not there as it was sent; nothing is stated as forwarded")

    def _segments(self) -> Iterable[tuple[str, str]]:
        prefix = f"{self._device}/{STORE_FOLDER}/{RECORDINGS_FOLDER}/"
        with failing(prefix):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
                for one in page.get("Contents", ()):
                    recording, _, name = str(one["Key"]).removeprefix(prefix).partition("/")
                    if recording_start(recording) is not None and is_segment(name):
                        yield recording, name

    def _size(self, key: str) -> int:
        """-1 where nothing has the key."""
        with failing(key):
            try:
                return int(self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"])
            except ClientError as error:
                if code_of(error) in ABSENT:
                    return -1
                raise

    def _key(self, words: Sequence[str]) -> str:
        return "/".join((self._device, *words))

    def _told(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _taken(self, key: str) -> DataError:
        return DataError(f"{self._told(key)}: another file has this name already; nothing of it was changed")
