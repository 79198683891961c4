"""A bundle is used whole or not at all: whatever is changed, added, cut off or signed by others is refused before anything is written."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycamd.camera.installation import layout, manifest, release_key
from bodycamd.camera.installation.archive import unpack, verify
from bodycamd.camera.installation.manifest import SIGNED_PREFIX, Manifest, Member, bundle_sha256, decode, encode, release_number
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.errors import BodycamError, DataError, NotFoundError, PermissionDeniedError, StorageError
from bodycamd.evidence.keys import SigningKey
from tests.kit.bundles import COMMIT, COMMIT_TIME, FILES, Release, bundle_bytes
from tests.kit.scale import count, sample


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path)


def refused(path: Path, release: Release, kind: type[BodycamError] = DataError) -> str:
    with pytest.raises(kind) as caught:
        verify(path, read_release_keys(release.public))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_bundle_is_verified_and_unpacked_as_it_was_made(release: Release, tmp_path: Path) -> None:
    path = release.bundle()
    found = verify(path, read_release_keys(release.public))
    unpack(found, tmp_path / "out")
    assert {str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()} == dict(FILES)
    assert found.signed_by == release.key.public.id
    assert found.sha256 == hashlib.sha256(b"bodycam-bundle/1\n" + found.raw).hexdigest()


def test_stock_tools_read_and_verify_it(release: Release, tmp_path: Path) -> None:
    """The commands of docs/install.md."""
    command = (
        f"tar -xf {release.bundle()} && {{ echo bodycam-bundle/1; cat bundle.json; }} >signed && "
        f"openssl pkeyutl -verify -rawin -pubin -inkey {release.public} -sigfile bundle.sig -in signed && "
        """jq -r '.files[] | "\\(.sha256)  \\(.path)"' bundle.json | sha256sum --check --quiet"""
    )
    (tmp_path / "by-hand").mkdir()
    subprocess.run(["bash", "-ec", command], cwd=tmp_path / "by-hand", check=True, capture_output=True)


def test_its_headers_are_those_of_any_tar(release: Release) -> None:
    with tarfile.open(release.bundle()) as found:
        members = found.getmembers()
    assert [member.name for member in members] == ["bundle.json", "bundle.sig", *sorted(FILES)]
    assert {(member.mtime, member.uid, member.gid, member.mode, member.isreg()) for member in members} == {(COMMIT_TIME, 0, 0, 0o644, True)}


@pytest.mark.parametrize("number", sample(range(20), 4))
def test_any_flipped_byte_is_refused(release: Release, tmp_path: Path, number: int) -> None:
    content = bytearray(release.bundle().read_bytes())
    place = random.Random(number).randrange(len(content))
    content[place] ^= 1 << (number % 8)
    (changed := tmp_path / "changed").write_bytes(content)
    with pytest.raises((DataError, PermissionDeniedError)):
        verify(changed, read_release_keys(release.public))


@pytest.mark.parametrize("number", range(4))
def test_any_header_byte_counts(release: Release, tmp_path: Path, number: int) -> None:
    """Also those that no tar looks at."""
    content = bytearray(release.bundle().read_bytes())
    raw_size = len(verify(release.bundle(), read_release_keys(release.public)).raw)
    headers = [0, 512 + raw_size + -raw_size % 512, 512 + raw_size + -raw_size % 512 + 1024]
    for at in headers:
        for place in random.Random(number).sample(range(512), count(20)):
            changed = bytearray(content)
            changed[at + place] ^= 0x20
            (path := tmp_path / "changed").write_bytes(changed)
            with pytest.raises((DataError, PermissionDeniedError)):
                verify(path, read_release_keys(release.public))


@pytest.mark.parametrize("cut", [0, 100, 512, 1500, -1, -512, -1024, -1100])
def test_a_bundle_that_is_cut_off_is_refused(release: Release, tmp_path: Path, cut: int) -> None:
    content = release.bundle().read_bytes()
    (path := tmp_path / "cut").write_bytes(content[:cut])
    refused(path, release)


@pytest.mark.parametrize("more", [b"\0", bytes(512), b"x" * 512])
def test_nothing_may_follow(release: Release, tmp_path: Path, more: bytes) -> None:
    (path := tmp_path / "longer").write_bytes(release.bundle().read_bytes() + more)
    assert "does not end where the manifest ends" in refused(path, release)


def test_a_strangers_signature_is_refused(release: Release, tmp_path: Path) -> None:
    stranger = Release(tmp_path)
    assert "not signed by a release key" in refused(stranger.bundle(), release, PermissionDeniedError)


def test_a_signature_of_another_kind_of_document_is_refused(release: Release, tmp_path: Path) -> None:
    """Over the manifest without its prefix, and with that of something else."""
    good = release.bundle().read_bytes()
    raw = verify(release.bundle(), read_release_keys(release.public)).raw
    for signed in (raw, b"bodycam-roster/1\n" + raw):
        made = good.replace(release.key.sign(SIGNED_PREFIX + raw), release.key.sign(signed))
        (path := tmp_path / "other").write_bytes(made)
        refused(path, release, PermissionDeniedError)


def test_a_second_release_key_counts_as_the_first(release: Release, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(SigningKey.generate().public.pem() + b"# rotated\n" + release.key.public.pem())
    assert verify(release.bundle(), read_release_keys(both)).signed_by == release.key.public.id


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not 1 to 8 public keys"),
        (b"hello", "not 1 to 8 public keys"),
        (b"-----BEGIN PRIVATE " + b"KEY-----\n", "private key has no place"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not Ed25519"),
        (b"-----BEGIN PUBLIC KEY-----\nA\n-----END PUBLIC KEY-----\n", "not base64"),
    ],
)
def test_a_file_of_release_keys_holds_nothing_else(tmp_path: Path, content: bytes, said: str) -> None:
    (path := tmp_path / "release.pem").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_release_keys(path)
    with pytest.raises(NotFoundError):
        read_release_keys(tmp_path / "nowhere")


def test_an_rsa_key_is_no_release_key(tmp_path: Path) -> None:
    subprocess.run(["openssl", "genrsa", "-out", tmp_path / "k", "1024"], check=True, capture_output=True)
    subprocess.run(["openssl", "rsa", "-in", tmp_path / "k", "-pubout", "-out", tmp_path / "release.pem"], check=True, capture_output=True)
    with pytest.raises(DataError):
        read_release_keys(tmp_path / "release.pem")


def altered(change: Callable[[dict[str, object]], None]) -> bytes:
    """A manifest with a change, written as the format writes it."""
    member = {"path": "wheels/a.whl", "size": 1, "sha256": "0" * 64}
    value: dict[str, object] = {"format": manifest.FORMAT, "version": "1.0.0", "machine": "aarch64", "python": "3.13", "commit": COMMIT}
    value |= {"commit_time": COMMIT_TIME, "files": [member, {**member, "path": "wheels/b.whl"}]}
    change(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def path_of(path: object) -> Callable[[dict[str, object]], None]:
    return lambda value: value.update(files=[{"path": path, "size": 1, "sha256": "0" * 64}])


@pytest.mark.parametrize(
    "change",
    [
        *(
            path_of(path)
            for path in (
                "/etc/passwd", "../up", "a/../../b", "a//b", "a/b/c", "./a", "a/", "", ".hidden", "-rf", "a\nb", "a\0b", "é", 5, None,
                "bundle.json", "bundle.sig/x", "x" * 101, "a\\b", "~root",
            )
        ),
        lambda value: value.update(files=[]),
        lambda value: value.update(files=[{"path": p, "size": 1, "sha256": "0" * 64} for p in ("b", "a")]),
        lambda value: value.update(files=[{"path": p, "size": 1, "sha256": "0" * 64} for p in ("a", "a")]),
        lambda value: value.update(files=[{"path": p, "size": 1, "sha256": "0" * 64} for p in ("a", "a/b")]),
        lambda value: value.update(files=[{"path": "a", "size": -1, "sha256": "0" * 64}]),
        lambda value: value.update(files=[{"path": "a", "size": True, "sha256": "0" * 64}]),
        lambda value: value.update(files=[{"path": "a", "size": 2**40, "sha256": "0" * 64}]),
        lambda value: value.update(files=[{"path": f"f{n:02d}", "size": 2**29, "sha256": "0" * 64} for n in range(3)]),
        lambda value: value.update(files=[{"path": "a", "size": 1, "sha256": "0" * 63}]),
        lambda value: value.update(files=[{"path": "a", "size": 1, "sha256": "0" * 64, "mode": 511}]),
        lambda value: value.update(files=[{"path": f"f{n:04d}", "size": 1, "sha256": "0" * 64} for n in range(1001)]),
        lambda value: value.update(version="1.0"),
        lambda value: value.update(version="01.0.0"),
        lambda value: value.update(version="../1"),
        lambda value: value.update(version="1.0.0\n"),
        lambda value: value.update(machine="armv7l"),
        lambda value: value.update(python="2.7"),
        lambda value: value.update(commit="HEAD"),
        lambda value: value.update(commit_time=-1),
        lambda value: value.update(commit_time=1.5),
        lambda value: value.update(format="bodycam-bundle/2"),
        lambda value: value.update(more=1),
        lambda value: value.pop("python"),
    ],
)  # fmt: skip
def test_a_manifest_with_tricks_is_refused_even_if_it_is_signed(change: Callable[[dict[str, object]], None]) -> None:
    assert decode(altered(lambda _: None)).machine == "aarch64"
    with pytest.raises(DataError, match=r"bundle\.json"):
        decode(altered(change))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"a":1,"a":1}',
        b'{"n":NaN}',
        b"\xff",
        altered(lambda _: None)[:-1],
        b" " + altered(lambda _: None),
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(DataError):
        decode(raw)


def test_versions_are_compared_as_numbers() -> None:
    ordered = ["0.2.0.dev1", "0.2.0.dev10", "0.2.0", "0.2.1", "0.10.0", "1.0.0.dev0", "1.0.0"]
    assert sorted(sorted(ordered), key=release_number) == ordered


def test_what_changes_between_verifying_and_unpacking_is_refused(release: Release, tmp_path: Path) -> None:
    """A card that is pulled, a file that somebody replaces."""
    path = release.bundle()
    found = verify(path, read_release_keys(release.public))
    content = path.read_bytes()
    path.write_bytes(content[:-3000] + bytes([content[-3000] ^ 1]) + content[-2999:])
    with pytest.raises(DataError):
        unpack(found, tmp_path / "out")
    path.write_bytes(bundle_bytes(release.key, "0.3.0"))
    with pytest.raises(DataError, match="changed while it was read"):
        unpack(found, tmp_path / "out2")


def test_nothing_is_written_over(release: Release, tmp_path: Path) -> None:
    found = verify(release.bundle(), read_release_keys(release.public))
    (tmp_path / "out").mkdir()
    os.symlink("/nowhere", tmp_path / "out/install.pyz")
    with pytest.raises(StorageError):
        unpack(found, tmp_path / "out")


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_what_is_no_file_is_refused_without_waiting(release: Release, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    refused(path, release, NotFoundError if kind == "nothing" else DataError)


def test_without_openssl_it_is_said_what_to_install(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_key, "_plain", lambda: {"PATH": "/nowhere"})
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BodycamError, match="apt-get install openssl"):
        verify(release.bundle(), read_release_keys(release.public))


def test_a_long_name_of_a_wheel_fits(tmp_path: Path) -> None:
    name = "wheels/" + "m" * 96 + ".whl"
    content = bundle_bytes(SigningKey.generate(), files={name: b"x"})
    (path := tmp_path / "long.bundle").write_bytes(content)
    with tarfile.open(path) as found:
        assert name in found.getnames()
    with pytest.raises(DataError, match="does not fit"):
        layout.header("wheels/" + "m" * 101, 1, 1)


def test_the_name_does_not_depend_on_the_release_key() -> None:
    made = Manifest("0.2.0", "aarch64", "3.13", COMMIT, COMMIT_TIME, (Member("a", 1, "0" * 64),))
    assert bundle_sha256(encode(made)) == bundle_sha256(encode(decode(encode(made))))
