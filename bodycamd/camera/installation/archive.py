"""The file `bodycamd-VERSION.bundle`: a POSIX ustar archive of which every byte follows from `bundle.json` and the files' content.

    bundle.json  bundle.sig  debian/…  debian.txt  install.pyz  sbom.cdx.json  wheels/…

So nothing in it is interpreted: the reader compares each header with the one that the signed manifest asks for. There are no links, no
devices, no sizes but the stated ones, nothing between the files and nothing after them. Any tar reads it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bodycamd.camera.installation.manifest import MAX_MANIFEST_BYTES, Manifest, Member, bundle_sha256, decode
from bodycamd.camera.installation.release_key import SIGNATURE_BYTES, ReleaseKey, signer
from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.linux import durable

BLOCK = 512
END = bytes(2 * BLOCK)
PIECE_BYTES = 1024 * 1024
MANIFEST, SIGNATURE = "bundle.json", "bundle.sig"
_LAYOUT = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12s")
_SIZE = re.compile(rb"([0-7]{11})\0")


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """A bundle whose every byte was checked. `raw` is its `bundle.json`, `signed_by` the release key's id."""

    path: Path
    manifest: Manifest
    raw: bytes
    signature: bytes
    signed_by: str

    @property
    def sha256(self) -> str:
        """The bundle's name."""
        return bundle_sha256(self.raw)


def header(path: str, size: int, mtime: int) -> bytes:
    """The 512 bytes before a file: owner 0, mode 0644, a folder's name in the prefix field. Raises `DataError` for what does not fit."""
    folder, _, name = path.rpartition("/")
    if len(name) > 100 or len(folder) > 155 or not 0 <= size < 8**11 or not 0 <= mtime < 8**11:
        raise DataError(f"{path}: it does not fit into the header of an archive")
    start = name.encode("ascii"), b"0000644", b"0000000", b"0000000", b"%011o" % size, b"%011o" % mtime
    rest = b"0", b"", b"ustar", b"00", b"", b"", b"0000000", b"0000000", folder.encode("ascii"), b""
    checksum = sum(_LAYOUT.pack(*start, b" " * 8, *rest))
    return _LAYOUT.pack(*start, b"%06o\0 " % checksum, *rest)


def padding(size: int) -> bytes:
    """Zero bytes after a file, up to the next block."""
    return bytes(-size % BLOCK)


def beginning(manifest: Manifest, raw: bytes, signature: bytes) -> bytes:
    """The archive up to the first file that the manifest states."""
    mtime = manifest.commit_time
    signed = header(SIGNATURE, len(signature), mtime) + signature + padding(len(signature))
    return header(MANIFEST, len(raw), mtime) + raw + padding(len(raw)) + signed


def verify(path: Path, keys: tuple[ReleaseKey, ...]) -> VerifiedBundle:
    """Check every byte of the bundle; nothing is written. Raises `PermissionDeniedError` where none of the keys signed it, `DataError`
    where anything differs from what is stated, `NotFoundError`, `StorageError`, `UnavailableError`."""
    with _opened(path) as file:
        raw, signature = _head(file, path)
        key = signer(keys, raw, signature)
        if key is None:
            raise PermissionDeniedError(f"{path}: not signed by a release key that this camera trusts: nothing of it was used")
        manifest = _manifest(raw, path)
        file.seek(0)
        expected = beginning(manifest, raw, signature)
        if _exactly(file, len(expected), path) != expected:
            raise DataError(f"{path}: altered: its first headers are not as the format writes them")
        for member in manifest.files:
            digest = hashlib.sha256()
            for piece in _content(file, path, member, manifest.commit_time):
                digest.update(piece)
            if digest.hexdigest() != member.sha256:
                raise DataError(f"{path}: altered: {member.path} is not what the manifest states")
        _end(file, path)
    return VerifiedBundle(path, manifest, raw, signature, key.id)


def unpack(bundle: VerifiedBundle, folder: Path) -> None:
    """Write the files of a verified bundle into `folder`, which must not exist. Not durable when this returns.

    The file may have changed since it was verified: each part is compared again. Raises `DataError` then, `StorageError`; what was written
    until then is left for the caller to remove.
    """
    try:
        with _opened(bundle.path) as file:
            if _head(file, bundle.path) != (bundle.raw, bundle.signature):
                raise DataError(f"{bundle.path}: it changed while it was read")
            folder.mkdir(0o755, parents=True)
            for name in sorted({member.path.partition("/")[0] for member in bundle.manifest.files if "/" in member.path}):
                (folder / name).mkdir(0o755)
            for member in bundle.manifest.files:
                _write(file, bundle, member, folder / member.path)
    except OSError as error:
        raise StorageError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error


def _write(file: BinaryIO, bundle: VerifiedBundle, member: Member, target: Path) -> None:
    descriptor, digest = durable.open_new(target, 0o644), hashlib.sha256()
    try:
        for piece in _content(file, bundle.path, member, bundle.manifest.commit_time):
            digest.update(piece)
            durable.write_all(descriptor, (piece,))
    finally:
        os.close(descriptor)
    if digest.hexdigest() != member.sha256:
        raise DataError(f"{bundle.path}: it changed while it was read")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: not a regular file")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise NotFoundError(f"{path}: no such bundle") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        yield file


def _head(file: BinaryIO, path: Path) -> tuple[bytes, bytes]:
    """Manifest and signature, as they stand at the beginning; nothing of it is trusted yet."""
    first = _exactly(file, BLOCK, path)
    size = _SIZE.fullmatch(first[124:136])
    if not first.startswith(MANIFEST.encode() + b"\0") or size is None or int(size[1], 8) > MAX_MANIFEST_BYTES:
        raise DataError(f"{path}: not a bundle of bodycamd")
    raw = _exactly(file, int(size[1], 8), path)
    _exactly(file, -len(raw) % BLOCK + BLOCK, path)
    signature = _exactly(file, SIGNATURE_BYTES, path)
    _exactly(file, -SIGNATURE_BYTES % BLOCK, path)
    return raw, signature


def _content(file: BinaryIO, path: Path, member: Member, mtime: int) -> Iterator[bytes]:
    """The file's content in pieces; header and padding are compared."""
    if _exactly(file, BLOCK, path) != header(member.path, member.size, mtime):
        raise DataError(f"{path}: altered: the header of {member.path} is not what the manifest asks for")
    left = member.size
    while left:
        piece = _exactly(file, min(left, PIECE_BYTES), path)
        left -= len(piece)
        yield piece
    if _exactly(file, -member.size % BLOCK, path) != padding(member.size):
        raise DataError(f"{path}: altered: something stands behind {member.path}")


def _end(file: BinaryIO, path: Path) -> None:
    if file.read(len(END) + 1) != END:
        raise DataError(f"{path}: altered: it does not end where the manifest ends")


def _manifest(raw: bytes, path: Path) -> Manifest:
    try:
        return decode(raw)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _exactly(file: BinaryIO, size: int, path: Path) -> bytes:
    try:
        found = file.read(size)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(found) != size:
        raise DataError(f"{path}: it ends too early: copy it again")
    return found
