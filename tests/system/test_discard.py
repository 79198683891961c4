"""What deletion leaves on the card, and what the discard makes of it: looked for in the whole image of the disk."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.linux.disk import Disk
from tests.kit.scale import only_in_full

SERVICE = Path(__file__).parents[2] / "systemd" / "bodycamd-discard.service"
SIZE_BYTES = 64 << 20
SEGMENT_BYTES = 8 << 20

pytestmark = [pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root: mounts a disk of its own")]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "card.img"
    with path.open("wb") as file:
        file.truncate(SIZE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", path], check=True)
    return path


@pytest.fixture
def card(image: Path) -> Iterator[Path]:
    """Where other users reach it."""
    mount = Path(tempfile.mkdtemp(prefix="bodycamd-card-"))
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    mount.chmod(0o755)
    try:
        yield mount
    finally:
        subprocess.run(["umount", mount], check=True)
        mount.rmdir()


def command(line: str, folder: Path) -> list[str]:
    """A line of the service, for another folder: with the rights that the service has, for `nobody` in place of its user."""
    [words] = [text.partition("=")[2] for text in SERVICE.read_text(encoding="utf-8").splitlines() if text.startswith(line + "=")]
    assert "/var/lib/bodycamd" in words
    unit = SERVICE.read_text(encoding="utf-8").splitlines()
    assert {"User=bodycam", "CapabilityBoundingSet=CAP_SYS_ADMIN", "AmbientCapabilities=CAP_SYS_ADMIN"} <= set(unit)
    only = "-all,+sys_admin"
    rights = [f"--inh-caps={only}", f"--ambient-caps={only}", f"--bounding-set={only}", "--no-new-privs"]
    return [
        "setpriv",
        "--reuid=nobody",
        "--regid=nogroup",
        "--clear-groups",
        *rights,
        *shlex.split(words.replace("/var/lib/bodycamd", str(folder))),
    ]


def traces(image: Path, content: bytes) -> int:
    """How many of the content's blocks stand in the image."""
    raw = image.read_bytes()
    return sum(content[at : at + 4096] in raw for at in range(0, len(content), 1 << 16))


@only_in_full
def test_a_deleted_segment_stands_on_the_card_until_the_discard(image: Path, card: Path) -> None:
    store, disk = card / "store", Disk()
    store.mkdir(mode=0o700)
    shutil.chown(store, "nobody", "nogroup")
    segment = store / "000000.tar"
    content = os.urandom(SEGMENT_BYTES)
    segment.write_bytes(content)
    kept = store / "000001.tar"
    other = os.urandom(1 << 20)
    kept.write_bytes(other)
    os.sync()
    whole = traces(image, content)
    assert whole == SEGMENT_BYTES >> 16
    segment.unlink()
    disk.fsync_folder(store)
    os.sync()
    assert traces(image, content) == whole, "unlinking alone takes nothing from the card"
    said = subprocess.run(command("ExecStart", store), capture_output=True, text=True, check=True)
    assert "trimmed" in said.stdout
    os.sync()
    assert traces(image, content) == 0
    assert kept.read_bytes() == other
    assert traces(image, other) == 1 << 4


def test_a_card_that_cannot_discard_is_no_failure() -> None:
    with tempfile.TemporaryDirectory(prefix="bodycamd-card-") as folder:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], check=True)
        try:
            Path(folder).chmod(0o755)
            subprocess.run(command("ExecStart", Path(folder)), check=True)
        finally:
            subprocess.run(["umount", folder], check=True)
