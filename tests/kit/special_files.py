"""Every kind of thing that can stand in a file's or a folder's place."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

Maker = Callable[[Path], None]


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_PATH)  # the path of a socket has 107 bytes at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/{path.name}")
    finally:
        os.close(here)


def _endless_device(path: Path) -> None:
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero


def _full_folder(path: Path) -> None:
    path.mkdir()
    (path / "inside").write_bytes(b"inside")


def _link_loop(path: Path) -> None:
    other = path.with_name(f"{path.name}.loop")
    other.symlink_to(path.name)
    path.symlink_to(other.name)


NOT_A_FILE: dict[str, Maker] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "device": _endless_device,
    "link to an endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to("nothing"),
    "link loop": _link_loop,
    "folder": _full_folder,
}
"""By name: makes it at a path where nothing is. Making a device needs root."""

NOT_A_FOLDER: dict[str, Maker] = {name: make for name, make in NOT_A_FILE.items() if name != "folder"} | {
    "link to a folder": lambda path: path.symlink_to("/usr/lib"),
    "file": lambda path: path.write_bytes(b"a file") and None,
}


def put(path: Path, make: Maker) -> None:
    """Put something in the place of what stands at `path`, which stays beside it under another name."""
    if os.path.lexists(path):
        path.rename(path.with_name(f".{path.name}.before"))
    make(path)


@contextlib.contextmanager
def without_root(uid: int = 65534) -> Iterator[None]:
    """Look with the eyes of another user, where the tests run as root; nobody else can."""
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)
