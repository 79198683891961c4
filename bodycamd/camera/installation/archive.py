"""A bundle's file (`layout`), signed by a release key: checked, and unpacked."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bodycamd.camera.installation import layout
from bodycamd.camera.installation.manifest import Manifest, Member, bundle_sha256
from bodycamd.camera.installation.release_key import ReleaseKey, signer
from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.linux import durable


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


def verify(path: Path, keys: tuple[ReleaseKey, ...]) -> VerifiedBundle:
    """Check every byte of the bundle; nothing is written. Raises `PermissionDeniedError` where none of the keys signed it, `DataError`
    where anything differs from what is stated, `NotFoundError`, `StorageError`, `UnavailableError`."""
    with _opened(path) as file:
        raw, signature = layout.head(file, path)
        key = signer(keys, raw, signature)
        if key is None:
            raise PermissionDeniedError(f"{path}: not signed by a release key that this camera trusts: nothing of it was used")
        manifest = layout.read_manifest(raw, path)
        layout.check(file, path, manifest, raw, signature)
    return VerifiedBundle(path, manifest, raw, signature, key.id)


def unpack(bundle: VerifiedBundle, folder: Path) -> None:
    """Write the files of a verified bundle into `folder`, which must not exist. Not durable when this returns.

    The file may have changed since it was verified: each part is compared again. Raises `DataError` then, `StorageError`; what was written
    until then is left for the caller to remove.
    """
    try:
        with _opened(bundle.path) as file:
            if layout.head(file, bundle.path) != (bundle.raw, bundle.signature):
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
        for piece in layout.content(file, bundle.path, member, bundle.manifest.commit_time):
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
