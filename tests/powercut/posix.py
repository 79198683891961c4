"""A disk that keeps no more than POSIX promises: content after `fdatasync` of the file, names after `fsync` of their folder.

Of everything else a power cut leaves anything between nothing and all, sector by sector and name by name. ext4 keeps more than that (an
`fdatasync` of a new file brings its name along), so some defects show only here.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Literal, TypeAlias

from tests.powercut.steps import Operation

SECTOR = 512
Unsynced = Literal["lost", "kept", "torn"]
"""What becomes of operations that were not made durable: none is there, all are, or each (each sector) by chance."""


@dataclass
class File:
    """`durable` is owed by the disk; `pending` are later writes and cuts, in order."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.durable = self.after(None)
        self.pending.clear()

    def after(self, chance: random.Random | None) -> bytes:
        """The content with all that is pending, or with what `chance` leaves of it."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if chance is None:
                _apply(content, offset, data)
            elif data is None:
                if chance.random() < 0.5:
                    _apply(content, offset, None)
            else:
                share = chance.choice((0.0, 0.5, 1.0))
                begins = [0, *range(-offset % SECTOR or SECTOR, len(data), SECTOR), len(data)]
                for at, end in pairwise(begins):
                    if chance.random() < share:
                        _apply(content, offset + at, data[at:end])
        return bytes(content)


@dataclass
class Link:
    """A symbolic link: where it leads never changes."""

    target: str


@dataclass
class Folder:
    """Names, as far as they are durable, and the changes since: (name taken away, name given, what it names)."""

    durable: dict[str, Node] = field(default_factory=dict)
    pending: list[tuple[str, str, Node | None]] = field(default_factory=list)

    def sync(self) -> None:
        self.durable = self.after(None)
        self.pending.clear()

    def after(self, chance: random.Random | None) -> dict[str, Node]:
        names = dict(self.durable)
        for old, new, node in self.pending:
            if chance is None or chance.random() < 0.5:
                names.pop(old, None)
                if node is not None:
                    names[new] = node
        return names

    def now(self) -> dict[str, Node]:
        return self.after(None)


Node: TypeAlias = File | Link | Folder


class PosixDisk:
    """A folder as it was when everything in it was durable, and what was done to it since."""

    def __init__(self, base: Path) -> None:
        self.root = _load(base)

    def do(self, operations: Iterable[Operation]) -> None:
        """Carry out operations, in order."""
        for operation in operations:
            self._do(operation)

    def _do(self, operation: Operation) -> None:
        path = PurePosixPath(operation.path)
        match operation.kind:
            case "sync folder":
                self._folder(path).sync()
            case "create":
                self._folder(path.parent).pending.append(("", path.name, File()))
            case "mkdir":
                self._folder(path.parent).pending.append(("", path.name, Folder()))
            case "symlink":
                self._folder(path.parent).pending.append(("", path.name, Link(operation.new)))
            case "unlink":
                self._folder(path.parent).pending.append((path.name, "", None))
            case "rename":
                folder, new = self._folder(path.parent), PurePosixPath(operation.new)
                assert new.parent == path.parent, "the product renames inside one folder only"
                folder.pending.append((path.name, new.name, folder.now()[path.name]))
            case "write":
                self._file(path).pending.append((operation.offset, operation.data))
            case "truncate":
                self._file(path).pending.append((operation.offset, None))
            case "sync":
                self._file(path).sync()
            case other:
                raise AssertionError(other)

    def _folder(self, path: PurePosixPath) -> Folder:
        node: Node = self.root
        for part in path.parts:
            assert isinstance(node, Folder)
            node = node.now()[part]
        assert isinstance(node, Folder)
        return node

    def _file(self, path: PurePosixPath) -> File:
        node = self._folder(path.parent).now()[path.name]
        assert isinstance(node, File)
        return node

    def cut(self, into: Path, unsynced: Unsynced, chance: random.Random) -> None:
        """Make `into` as the folder stands after a power cut now."""
        into.mkdir(mode=0o700)
        _store(self.root, into, unsynced, chance)


def _load(path: Path) -> Folder:
    folder = Folder()
    for entry in path.iterdir():
        if entry.is_symlink():
            folder.durable[entry.name] = Link(str(entry.readlink()))
        else:
            folder.durable[entry.name] = _load(entry) if entry.is_dir() else File(entry.read_bytes())
    return folder


def _store(folder: Folder, into: Path, unsynced: Unsynced, chance: random.Random) -> None:
    names = folder.durable if unsynced == "lost" else folder.after(None if unsynced == "kept" else chance)
    for name, node in names.items():
        if isinstance(node, Folder):
            (into / name).mkdir(mode=0o700)
            _store(node, into / name, unsynced, chance)
        elif isinstance(node, Link):
            (into / name).symlink_to(node.target)
        else:
            content = node.durable if unsynced == "lost" else node.after(None if unsynced == "kept" else chance)
            (into / name).write_bytes(content)
            (into / name).chmod(0o600)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        return
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data
