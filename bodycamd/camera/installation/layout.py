"""The layout of a bundle's file: a POSIX ustar archive of which every byte follows from `bundle.json` and the files' content.

    bundle.json  bundle.sig  debian/…  debian.txt  install.pyz  sbom.cdx.json  wheels/…

So nothing in it is interpreted: the reader compares each header with the one that the manifest asks for. There are no links, no devices, no
sizes but the stated ones, nothing between the files and nothing after them. Any tar reads it.

Who signed it is no matter here (`archive`): whoever knows a bundle's name, which is of its manifest, knows by this every byte of the file
but the signature.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from bodycamd.camera.installation.manifest import MAX_MANIFEST_BYTES, SIGNATURE_BYTES, Manifest, Member, decode
from bodycamd.errors import DataError, StorageError

BLOCK = 512
END = bytes(2 * BLOCK)
PIECE_BYTES = 128 * 1024
MANIFEST, SIGNATURE = "bundle.json", "bundle.sig"
_LAYOUT = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12s")
_SIZE = re.compile(rb"([0-7]{11})\0")


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


def size_bytes(manifest: Manifest, raw: bytes) -> int:
    """How long the whole file is."""
    members = sum(BLOCK + member.size + len(padding(member.size)) for member in manifest.files)
    return len(beginning(manifest, raw, bytes(SIGNATURE_BYTES))) + members + len(END)


def manifest_bytes(first: bytes, path: Path) -> int:
    """How long the manifest is, by the first block of a file, of which nothing is trusted yet. Raises `DataError`."""
    size = _SIZE.fullmatch(first[124:136])
    if not first.startswith(MANIFEST.encode() + b"\0") or size is None or int(size[1], 8) > MAX_MANIFEST_BYTES:
        raise DataError(f"{path}: not a bundle of bodycamd")
    return int(size[1], 8)


def head_bytes(first: bytes, path: Path) -> int:
    """How much of a file manifest and signature take, by its first block. Raises `DataError`."""
    manifest = manifest_bytes(first, path)
    return 2 * BLOCK + manifest + len(padding(manifest)) + SIGNATURE_BYTES + len(padding(SIGNATURE_BYTES))


def check(file: BinaryIO, path: Path, manifest: Manifest, raw: bytes, signature: bytes) -> None:
    """That the whole file is what this manifest states. Raises `DataError` where anything differs, `StorageError`."""
    file.seek(0)
    expected = beginning(manifest, raw, signature)
    if exactly(file, len(expected), path) != expected:
        raise DataError(f"{path}: altered: its first headers are not as the format writes them")
    for member in manifest.files:
        digest = hashlib.sha256()
        for piece in content(file, path, member, manifest.commit_time):
            digest.update(piece)
        if digest.hexdigest() != member.sha256:
            raise DataError(f"{path}: altered: {member.path} is not what the manifest states")
    _end(file, path)


def head(file: BinaryIO, path: Path) -> tuple[bytes, bytes]:
    """Manifest and signature, as they stand at the beginning; nothing of it is trusted yet."""
    first = exactly(file, BLOCK, path)
    raw = exactly(file, manifest_bytes(first, path), path)
    exactly(file, -len(raw) % BLOCK + BLOCK, path)
    signature = exactly(file, SIGNATURE_BYTES, path)
    exactly(file, -SIGNATURE_BYTES % BLOCK, path)
    return raw, signature


def content(file: BinaryIO, path: Path, member: Member, mtime: int) -> Iterator[bytes]:
    """The file's content in pieces; header and padding are compared."""
    if exactly(file, BLOCK, path) != header(member.path, member.size, mtime):
        raise DataError(f"{path}: altered: the header of {member.path} is not what the manifest asks for")
    left = member.size
    while left:
        piece = exactly(file, min(left, PIECE_BYTES), path)
        left -= len(piece)
        yield piece
    if exactly(file, -member.size % BLOCK, path) != padding(member.size):
        raise DataError(f"{path}: altered: something stands behind {member.path}")


def _end(file: BinaryIO, path: Path) -> None:
    if file.read(len(END) + 1) != END:
        raise DataError(f"{path}: altered: it does not end where the manifest ends")


def read_manifest(raw: bytes, path: Path) -> Manifest:
    """What it states. Raises `DataError`."""
    try:
        return decode(raw)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def exactly(file: BinaryIO, size: int, path: Path) -> bytes:
    """So many bytes. Raises `DataError` where there are fewer, `StorageError`."""
    try:
        found = file.read(size)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read: {error.strerror}") from error
    if len(found) != size:
        raise DataError(f"{path}: it ends too early: copy it again")
    return found
