"""A camera's place at a receiver: what forwarding asks of it, a folder or a bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

from bodycamd.errors import ConfigError
from bodycamd.evidence.keys import PublicKey, SigningKey
from bodycamd.municipality.station.receiver_folder import ReceiverFolder
from bodycamd.municipality.station.segments import ExpectedSegment
from bodycamd.municipality.station.station_file import ReceiverSettings
from bodycamd.municipality.station.storage import STORE_FOLDER
from bodycamd.store.names import RECORDINGS_FOLDER


class Place(Protocol):
    """A camera's place at a receiver (`receiver_folder`, `receiver_bucket`)."""

    @property
    def store(self) -> str:
        """Where its store lies, for people."""

    def read(self, *words: str, limit: int) -> bytes | None:
        """A file of at most `limit` bytes; `None` where there is none."""

    def has(self, segment: ExpectedSegment, *words: str, still: Callable[[], None]) -> bool:
        """Whether this segment is there, by its size and the SHA-256 of its good bytes. `still` is called with every piece that is read,
        and may raise."""

    def is_as_long(self, segment: ExpectedSegment, *words: str) -> bool:
        """Whether a file of this segment's size is there. Nothing of it is read."""

    def write(self, *words: str, raw: bytes, grows: bool = False) -> None:
        """A small file, whole. What has the name already is the same, or its beginning where it `grows`."""

    def copy(self, *words: str, chunks: Iterable[bytes]) -> None:
        """A new file out of what may be large."""

    def take_inventory(self, ledger: Path, key: SigningKey, now_us: int) -> None:
        """State, signed, what has come."""

    def check_arrived(
        self,
        recording: str,
        segments: Sequence[ExpectedSegment],
        first_key: PublicKey,
        people: dict[str, tuple[str, PublicKey]],
        still: Callable[[], None],
    ) -> None:
        """Raises `DataError` unless all of the recording is there, read back; `still` is as of `has`."""


def place_of(receiver: ReceiverSettings, device: str) -> Place:
    """Where a camera's recordings lie at a receiver. Raises `ConfigError`."""
    if receiver.folder is not None:
        return ReceiverFolder(Path(receiver.folder), device)
    if receiver.s3 is None:
        raise ConfigError(f"receivers: {receiver.name} has neither a folder nor a bucket")
    from bodycamd.municipality.station.receiver_bucket import ReceiverBucket  # boto3 takes a while, and not every station has it

    return ReceiverBucket(receiver.s3.bucket, device, endpoint=receiver.s3.endpoint, region=receiver.s3.region)


def place_name(receiver: ReceiverSettings, device: str) -> str:
    """Where that is, in words: the same for two receivers that have one place."""
    if receiver.s3 is not None:
        return f"s3 {receiver.s3.endpoint} {receiver.s3.bucket} {device}"
    return f"folder {Path(receiver.folder or '')} {device}"


def file_of(segment: ExpectedSegment) -> tuple[str, ...]:
    """The words of a segment's file at a receiver."""
    return STORE_FOLDER, RECORDINGS_FOLDER, segment.recording, segment.file
