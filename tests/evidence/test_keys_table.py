"""The folder of signing keys, case by case: which key is accepted, which is erased, and what a person is told."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from bodycamd.errors import StorageError
from bodycamd.evidence.keys import KEY_FILE_BYTES, EvolvingSigner, KeyFolder, PublicKey, SigningKey, provision
from tests.evidence.cutting import Journal
from tests.evidence.making import brief, told

WHAT_TO_DO = (
    "is missing or damaged. Put back the folder and the ledger that belong together, or provision the camera again with an empty store"
)
SEED = bytes(range(32))
KNOWN = SigningKey(Ed25519PrivateKey.from_private_bytes(SEED))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def dead(*arguments: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


def test_a_public_key_in_all_its_forms() -> None:
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(SEED)).public
    assert key.raw.hex() == "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    assert key.id == "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c"
    assert key.pem() == (
        b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n"
    )
    assert PublicKey.from_hex(key.raw.hex()) == PublicKey.from_pem(key.pem()) == PublicKey(key.raw) == key
    assert hash(PublicKey(key.raw)) == hash(key)
    assert repr(key) == "PublicKey(56475aa75463474c…)"
    other = SigningKey.generate().public
    assert key != other
    assert len({key, other, PublicKey(key.raw)}) == 2
    assert hash(key) != hash(other)
    assert key != key.raw


def test_a_signature_is_the_keys_over_exactly_these_bytes() -> None:
    signature = KNOWN.sign(b"data")
    assert len(signature) == 64
    assert KNOWN.public.verifies(signature, b"data")
    assert not KNOWN.public.verifies(signature, b"Data")
    assert not KNOWN.public.verifies(signature[:-1] + bytes([signature[-1] ^ 1]), b"data")
    assert not SigningKey.generate().public.verifies(signature, b"data")


@pytest.mark.parametrize(
    ("raw", "said"), [(b"", "a public key has 32 bytes, not 0"), (bytes(31), "not 31"), (bytes(33), "a public key has 32 bytes, not 33")]
)
def test_a_public_key_has_32_bytes(raw: bytes, said: str) -> None:
    assert told(lambda: PublicKey(raw)).endswith(said)
    assert told(lambda: PublicKey.from_hex(raw.hex())).endswith(said)


def test_what_is_no_public_key_is_told_in_these_words() -> None:
    private = KNOWN.file_bytes()
    beside = "this is a private key, and a public one is asked for; nobody but the camera may have it: treat it as exposed"
    assert told(lambda: PublicKey.from_hex("zz" * 32)) == "a public key is 64 hex digits"
    for pem in (private, KNOWN.public.pem() + private):
        assert told(lambda pem=pem: PublicKey.from_pem(pem)) == beside  # type: ignore[misc]
    assert told(lambda: PublicKey.from_pem(b"junk")) == "not a public key in PEM"
    x25519 = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n-----END PUBLIC KEY-----\n"
    assert told(lambda: PublicKey.from_pem(x25519)) == "not an Ed25519 public key"


def test_a_key_file_is_a_pem_of_4_kib_padded_with_line_ends() -> None:
    content = KNOWN.file_bytes()
    pem = Ed25519PrivateKey.from_private_bytes(SEED).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert content == pem + b"\n" * (4096 - len(pem))
    assert load_pem_private_key(content, None).private_bytes_raw() == SEED  # type: ignore[union-attr]


def test_an_evolving_signer_signs_with_the_key_that_is_in_force() -> None:
    following = SigningKey.generate()
    signer = EvolvingSigner(KNOWN)
    assert (signer.public, signer.sign(b"x")) == (KNOWN.public, KNOWN.sign(b"x"))
    signer.replace(following)
    assert (signer.public, signer.sign(b"x")) == (following.public, following.sign(b"x"))


def test_the_first_key_is_000001_and_the_named_one_has_any_name(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    first = PublicKey.from_pem(provision(tmp_path))
    fifth = keys.create(5)
    assert keys.holds(first)
    assert keys.holds(fifth.public)
    assert not keys.holds(KNOWN.public)
    os.link(tmp_path / "000005.key", tmp_path / "000007.key")
    key, path = keys.accept(fifth.public)
    assert (key.public, path.name, names(tmp_path)) == (fifth.public, "000005.key", ["000005.key"]), "the first of two files, the rest go"


def test_without_a_start_only_the_first_file_counts(tmp_path: Path) -> None:
    first = PublicKey.from_pem(provision(tmp_path))
    KeyFolder(tmp_path).create(2)
    (tmp_path / "000003.key").write_bytes(b"torn")
    key, path = KeyFolder(tmp_path).accept(None)
    assert (key.public, path, names(tmp_path)) == (first, tmp_path / "000001.key", ["000001.key"])


def test_a_torn_file_beside_the_named_key_does_not_hide_it(tmp_path: Path) -> None:
    wanted = KeyFolder(tmp_path).create(3)
    (tmp_path / "000001.key").write_bytes(b"torn")
    assert KeyFolder(tmp_path).holds(wanted.public)
    assert KeyFolder(tmp_path).accept(wanted.public)[1].name == "000003.key"


def test_a_missing_key_is_told_with_what_to_do(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        first = "the first key (000001.key, as no start is in the ledger)"
        assert told(lambda folder=folder: KeyFolder(folder).accept(None), StorageError) == f"{folder}: {first} {WHAT_TO_DO}"  # type: ignore[misc]
        named = f"the key that the ledger names ({KNOWN.public.id})"
        said = told(lambda folder=folder: KeyFolder(folder).accept(KNOWN.public), StorageError)  # type: ignore[misc]
        assert said == f"{folder}: {named} {WHAT_TO_DO}"
        assert not KeyFolder(folder).holds(KNOWN.public)


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    file = tmp_path / "signing"
    file.touch()
    keys = KeyFolder(file)
    for call in (lambda: keys.accept(None), lambda: keys.holds(KNOWN.public), lambda: provision(file)):
        assert told(call, StorageError) == f"{file}: cannot read the signing keys: Not a directory"
    made = tmp_path / "made"
    (made / "000001.key").mkdir(parents=True)
    said = f"cannot read the signing key: {made}/000001.key: a folder stands where a regular file must be: it was not opened"
    assert told(lambda: KeyFolder(made).accept(None), StorageError) == said
    link = tmp_path / "link"
    link.mkdir()
    provision(made.with_name("other"))
    (link / "000001.key").symlink_to(tmp_path / "other/000001.key")
    said = f"cannot read the signing key: {link}/000001.key: a link stands where a regular file must be: it was not opened"
    assert told(lambda: KeyFolder(link).accept(None), StorageError) == said


def test_what_the_disk_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "signing"
    provision(folder)
    keys = KeyFolder(folder)
    assert told(lambda: keys.create(1), StorageError) == f"{folder}/000001.key: cannot create the signing key: File exists"
    said = f"{folder}/000002.key: cannot erase the signing key: No such file or directory"
    assert told(lambda: keys.erase(folder / "000002.key"), StorageError) == said
    monkeypatch.setattr(os, "fsync", dead)
    said = f"{folder}: cannot create the folder of signing keys: Input/output error"
    assert told(lambda: provision(folder), StorageError) == said
    file = tmp_path / "file"
    file.touch()
    said = f"{file}/signing: cannot read the signing keys: Not a directory"
    assert told(lambda: provision(file / "signing"), StorageError) == said


OTHER_KIND = X25519PrivateKey.from_private_bytes(SEED).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
TORN = [b"", b"torn", bytes(KEY_FILE_BYTES), KNOWN.file_bytes()[:-1], KNOWN.file_bytes() + b"\n", OTHER_KIND.ljust(KEY_FILE_BYTES, b"\n")]


@pytest.mark.parametrize("torn", TORN, ids=brief)
def test_a_torn_first_key_is_erased_and_made_anew(tmp_path: Path, torn: bytes) -> None:
    """A cut first attempt: nobody can have registered it."""
    file = tmp_path / "000001.key"
    file.write_bytes(torn)
    os.link(file, tmp_path / "second name")
    pem = provision(tmp_path)
    assert (tmp_path / "second name").read_bytes() == bytes(len(torn))
    assert KeyFolder(tmp_path).accept(None)[0].public.pem() == pem == provision(tmp_path)


def test_a_file_that_is_too_long_for_a_key_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "000001.key").touch()
    os.truncate(tmp_path / "000001.key", 2**40)
    assert not KeyFolder(tmp_path).holds(KNOWN.public)


def test_a_camera_that_has_started_is_not_provisioned_again(tmp_path: Path) -> None:
    said = f"{tmp_path}: this camera is already provisioned and has been started; its first key cannot be made again"
    for file in ("000002.key", "000001.key"):
        (tmp_path / file).write_bytes(b"torn")
        assert told(lambda: provision(tmp_path), StorageError) == said
    assert names(tmp_path) == ["000001.key", "000002.key"]


def test_files_of_another_name_are_no_keys(tmp_path: Path) -> None:
    for name in ("000001.key~", "x000001.key", "1.key", "0000001.key", "000001.pem", "\u0660\u0660\u0660\u0660\u0660\u0661.key"):
        (tmp_path / name).write_bytes(KNOWN.file_bytes())
    assert not KeyFolder(tmp_path).holds(KNOWN.public)
    pem = provision(tmp_path)
    assert KeyFolder(tmp_path).accept(None)[0].public.pem() == pem
    assert len(names(tmp_path)) == 7


def test_a_key_that_was_found_is_settled_and_nothing_is_made(tmp_path: Path) -> None:
    provision(tmp_path)
    content = (tmp_path / "000001.key").read_bytes()
    journal = Journal(tmp_path)
    journal.record(lambda: provision(tmp_path))
    kinds = [(operation.kind, operation.path) for operation in journal.operations]
    assert kinds == [("sync folder", tmp_path.parent), ("sync", tmp_path / "000001.key"), ("sync folder", tmp_path)]
    assert (tmp_path / "000001.key").read_bytes() == content
