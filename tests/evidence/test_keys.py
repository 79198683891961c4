"""Signing keys: provisioned once, read only when whole, erased in place, never made anew in silence."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence.keys import KEY_FILE_BYTES, KeyFolder, PublicKey, SigningKey, provision
from tests.evidence.cutting import Journal, Survives
from tests.kit.scale import only_in_full


def test_the_first_key_is_made_once_and_openssl_reads_both_halves(tmp_path: Path) -> None:
    folder = tmp_path / "device" / "signing"
    pem = provision(folder)
    assert provision(folder) == pem
    file = folder / "000001.key"
    assert [path.name for path in folder.iterdir()] == ["000001.key"]
    assert file.stat().st_size == KEY_FILE_BYTES
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    public = subprocess.run(["openssl", "pkey", "-in", file, "-pubout"], capture_output=True, check=True).stdout
    assert public == pem
    key, path = KeyFolder(folder).accept(None)
    assert path == file
    assert key.public == PublicKey.from_pem(pem)
    assert PublicKey.from_hex(key.public.raw.hex()) == key.public


@only_in_full
def test_provisioning_survives_a_cut_at_every_step(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    journal = Journal(root)
    given: list[bytes] = []
    journal.record(lambda: given.append(provision(root / "signing")))
    kinds = [operation.kind for operation in journal.operations]
    assert kinds == ["sync folder", "mkdir", "sync folder", "create", "write", "sync", "sync folder"]
    for at in range(len(journal.operations) + 1):
        for survives in Survives:
            after = tmp_path / f"{at}-{survives.name}"
            journal.cut(at, survives, after)
            pem = provision(after / "signing")
            key, _ = KeyFolder(after / "signing").accept(None)
            assert key.public.pem() == pem
            if at == len(journal.operations):
                assert pem == given[0]


def test_a_key_that_is_found_is_made_durable_before_it_is_registered(tmp_path: Path) -> None:
    provision(tmp_path)
    journal = Journal(tmp_path)
    journal.record(lambda: provision(tmp_path))
    assert [(operation.kind, operation.path) for operation in journal.operations][-2:] == [
        ("sync", tmp_path / "000001.key"),
        ("sync folder", tmp_path),
    ]


def test_a_started_camera_is_not_provisioned_again(tmp_path: Path) -> None:
    provision(tmp_path)
    KeyFolder(tmp_path).create(2)
    with pytest.raises(StorageError, match="already provisioned"):
        provision(tmp_path)


@pytest.mark.parametrize("damage", ["absent", "empty", "short", "long", "zeros", "other kind of key", "no folder"])
def test_a_missing_or_damaged_key_is_told_and_nothing_is_erased(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "signing"
    if damage != "no folder":
        provision(folder)
        keys = KeyFolder(folder)
        keys.create(5)
        file = folder / "000001.key"
        whole = file.read_bytes()
        content = {"empty": b"", "short": whole[:-1], "long": whole + b"\n", "zeros": bytes(KEY_FILE_BYTES)}.get(damage, b"")
        if damage == "other kind of key":
            pem = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], capture_output=True, check=True).stdout
            content = pem.ljust(KEY_FILE_BYTES, b"\n")
        file.write_bytes(content)
        if damage == "absent":
            file.unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.rglob("*.key")}
    for named in (None, SigningKey.generate().public):
        with pytest.raises(StorageError, match="missing or damaged"):
            KeyFolder(folder).accept(named)
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.key")} == before


def test_only_the_named_key_stays_and_other_files_are_left_alone(tmp_path: Path) -> None:
    provision(tmp_path)
    keys = KeyFolder(tmp_path)
    wanted = keys.create(4)
    keys.create(9)
    (tmp_path / "000002.key").write_bytes(b"torn")
    (tmp_path / "README").write_text("not a key")
    key, path = keys.accept(wanted.public)
    assert key.public == wanted.public
    assert {entry.name for entry in tmp_path.iterdir()} == {path.name, "README"} == {"000004.key", "README"}


def test_a_key_is_overwritten_in_place_before_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provision(tmp_path)
    file = tmp_path / "000001.key"
    inode = file.stat().st_ino
    seen: list[tuple[int, bytes]] = []
    real_unlink = os.unlink

    def unlink(path: Path) -> None:
        seen.append((path.stat().st_ino, path.read_bytes()))
        real_unlink(path)

    monkeypatch.setattr(os, "unlink", unlink)
    journal = Journal(tmp_path)
    journal.record(lambda: KeyFolder(tmp_path).erase(file))
    assert seen == [(inode, bytes(KEY_FILE_BYTES))]
    assert [operation.kind for operation in journal.operations] == ["write", "sync", "unlink"]
    assert not file.exists()


def test_a_key_name_is_never_taken_twice(tmp_path: Path) -> None:
    provision(tmp_path)
    with pytest.raises(StorageError, match="cannot create"):
        KeyFolder(tmp_path).create(1)


def test_a_link_is_no_key(tmp_path: Path) -> None:
    provision(tmp_path / "elsewhere")
    (tmp_path / "signing").mkdir()
    (tmp_path / "signing" / "000001.key").symlink_to(tmp_path / "elsewhere" / "000001.key")
    with pytest.raises(StorageError):
        KeyFolder(tmp_path / "signing").accept(None)


def test_a_private_key_does_not_show(tmp_path: Path) -> None:
    key = SigningKey.generate()
    shown = repr(key) + str(key) + repr(vars(key))
    assert key.file_bytes()[30:90].decode() not in shown
    assert "PRIVATE" not in shown


@pytest.mark.parametrize("pem", [b"", b"junk", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_public_key_is_refused(pem: bytes) -> None:
    with pytest.raises(DataError):
        PublicKey.from_pem(pem)


def test_other_kinds_of_public_keys_are_refused() -> None:
    private = subprocess.run(["openssl", "genpkey", "-algorithm", "X25519"], capture_output=True, check=True).stdout
    public = subprocess.run(["openssl", "pkey", "-pubout"], input=private, capture_output=True, check=True).stdout
    with pytest.raises(DataError, match="Ed25519"):
        PublicKey.from_pem(public)
    for text in ("", "zz" * 32, "ab" * 31, "ab" * 33):
        with pytest.raises(DataError):
            PublicKey.from_hex(text)
