"""Forward security on a real file system: of the keys that signed earlier starts and earlier segments nothing is left in any block of the
disk. What the flash below it keeps is not seen from here.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bodycamd.camera.recorder.store import Store
from bodycamd.evidence.keys import EvolvingSigner, provision
from tests.camera.recorder.rig import Rig
from tests.kit.scale import SCALE, only_in_full

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mkfs.ext4") is None, reason="needs root and mkfs.ext4"),
]
STARTS = 4 if SCALE >= 1 else 2


class Disk:
    """An ext4 image, mounted."""

    def __init__(self, folder: Path) -> None:
        self.image, self.mounted = folder / "disk.img", folder / "disk"
        self.image.touch()
        os.truncate(self.image, 64 * 1024 * 1024)
        subprocess.run(["mkfs.ext4", "-q", "-F", self.image], check=True)
        self.mounted.mkdir()

    def mount(self) -> None:
        done = subprocess.run(["mount", "-o", "loop", self.image, self.mounted], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no loop mount here: {done.stderr.strip()}")

    def unmount(self) -> None:
        subprocess.run(["umount", self.mounted], check=True)

    def blocks(self) -> bytes:
        """Every byte of the device as it stands after a clean unmount; mounted again afterwards."""
        self.unmount()
        content = self.image.read_bytes()
        self.mount()
        return content


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    disk.mount()
    yield disk
    disk.unmount()


def seeds_on_disk(folder: Path) -> set[bytes]:
    """The 32 secret bytes of every key file."""
    found = set()
    for path in folder.glob("*.key"):
        key = load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        found.add(key.private_bytes_raw())
    return found


def seed_in_use(store: Store) -> bytes:
    signer = store.ledger.start.signer
    assert isinstance(signer, EvolvingSigner)
    return signer._key._private.private_bytes_raw()


def holds(blocks: bytes, seed: bytes) -> bool:
    """Raw, in hex, or in base64 at any of its three alignments."""
    forms = [seed, seed.hex().encode(), seed.hex().upper().encode()]
    for shift in range(3):
        text = base64.b64encode(bytes(shift) + seed)
        forms.append(text[4 if shift else 0 : len(text) - 4])
    return any(form in blocks for form in forms)


@only_in_full
def test_no_key_that_signed_earlier_starts_is_left_on_the_disk(disk: Disk) -> None:
    root = disk.mounted / "camera"
    root.mkdir()
    provision(root / "keys")
    file_seeds, memory_seeds = list(seeds_on_disk(root / "keys")), []
    assert holds(disk.blocks(), file_seeds[0]), "the search finds a key that is there"
    for start in range(1, STARTS + 1):
        rig = Rig(root, segment_seconds=2)
        memory_seeds.append(seed_in_use(rig.store))
        (following,) = seeds_on_disk(root / "keys")
        file_seeds.append(following)
        rig.camera()
        rig.begin()
        rig.film(5)
        rig.wait_durable(5)
        rig.end()
        rig.wait_sealed()
        memory_seeds.append(seed_in_use(rig.store))
        rig.stop()
        blocks = disk.blocks()
        assert [holds(blocks, seed) for seed in file_seeds] == [False] * start + [True], "only the key of the next start"
        assert not any(holds(blocks, seed) for seed in memory_seeds), "keys of memory were never on the disk"
    assert len(set(memory_seeds)) == 2 * STARTS


@only_in_full
def test_the_search_would_find_a_key_that_was_only_unlinked(disk: Disk) -> None:
    """Why a key file is overwritten in place first."""
    provision(disk.mounted / "keys")
    (seed,) = seeds_on_disk(disk.mounted / "keys")
    (disk.mounted / "keys/000001.key").unlink()
    os.sync()
    assert holds(disk.blocks(), seed)
