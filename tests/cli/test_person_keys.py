"""`bodycamd keys person`: a signing key that openssl knows, its list of people, and what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pyrage
import pytest

from bodycamd.cli.main import main
from bodycamd.errors import DataError, PermissionDeniedError
from bodycamd.municipality.copies.person_keys import load_person_key, new_person_key, read_people
from tests.kit import stock_tools
from tests.kit.scale import only_in_full


def none() -> bytes:
    raise AssertionError("nobody needs a passphrase here")


@only_in_full
def test_openssl_signs_with_it_and_the_printed_line_makes_the_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, people = tmp_path / "e-03.pem", tmp_path / "people.txt"
    assert main(["keys", "person", "new", "--id", "E-03", "--out", str(key)]) == 0
    told = capsys.readouterr()
    assert key.stat().st_mode & 0o777 == 0o600
    people.write_text(f"# the municipality\n\n{told.out}")
    ((name, public),) = read_people(people).values()
    assert name == "E-03"
    assert told.err.removeprefix("key id").replace(" ", "").strip() == public.id
    (tmp_path / "said").write_bytes(b"said")
    stock_tools.run("openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", tmp_path / "said", "-out", tmp_path / "sig")
    assert public.verifies((tmp_path / "sig").read_bytes(), b"said")
    assert load_person_key(key, none).public == public
    for file in (key, people):
        assert main(["keys", "person", "check", str(file)]) == 0
        told = capsys.readouterr()
        assert public.id in "".join((told.out + told.err).split())


def test_a_passphrase_seals_it(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    public = new_person_key(key, b"correct horse")
    assert b"ENCRYPTED" in key.read_bytes()
    assert load_person_key(key, lambda: b"correct horse").public == public
    with pytest.raises(PermissionDeniedError, match="passphrase"):
        load_person_key(key, lambda: b"wrong")
    done = subprocess.run(["openssl", "pkey", "-in", key, "-passin", "pass:correct horse", "-noout"], capture_output=True)
    assert done.returncode == 0, done.stderr


@only_in_full
def test_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key.pem"
    public = new_person_key(key)
    assert main(["keys", "person", "new", "--id", "E-03", "--out", str(key)]) == 73
    assert main(["keys", "person", "new", "--id", "Jan de Vries", "--out", str(tmp_path / "other")]) == 2
    assert not (tmp_path / "other").exists()
    key.chmod(0o640)
    assert main(["keys", "person", "check", str(key)]) == 77
    assert "chmod 600" in capsys.readouterr().err
    for text, words in (
        (key.read_text(), "private key"),
        ("", "nobody is listed in it"),
        ("Jansen " + "0" * 64, "line 1"),
        (f"E-03 {public.raw.hex()}\nE-04 {public.raw.hex()}\n", "line 2: this key is listed twice"),
        ("E-03 " + "0" * 63, "64 hex digits"),
        ("E-03\u2003" + "0" * 64, "64 hex digits"),
    ):
        (tmp_path / "people").write_text(text)
        with pytest.raises(DataError, match=words):
            read_people(tmp_path / "people")
    (tmp_path / "people").write_bytes(b"\xff")
    with pytest.raises(DataError, match="UTF-8"):
        read_people(tmp_path / "people")
    rsa = stock_tools.run("openssl", "genpkey", "-algorithm", "X25519")
    (tmp_path / "rsa").write_bytes(rsa)
    (tmp_path / "rsa").chmod(0o600)
    with pytest.raises(DataError, match="not Ed25519"):
        load_person_key(tmp_path / "rsa", none)


@only_in_full
def test_a_script_makes_sealed_keys_and_reads_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, release, passphrases = tmp_path / "e-03.pem", tmp_path / "release.key", tmp_path / "p"
    passphrases.write_text("five words for a key\n")
    from_file = ["--passphrase-file", str(passphrases)]
    assert main(["keys", "person", "new", "--id", "E-03", "--out", str(key), *from_file]) == 0
    line = capsys.readouterr().out
    assert "ENCRYPTED" in key.read_text()
    assert main(["keys", "person", "check", str(key), "--id", "E-03", *from_file]) == 0
    assert capsys.readouterr().out == line
    assert main(["keys", "release", "--out", str(release), "--public", str(tmp_path / "release.pem"), *from_file]) == 0
    assert load_person_key(release, lambda: b"five words for a key").public.pem() == (tmp_path / "release.pem").read_bytes()
    both = ["keys", "release", "--no-passphrase", "--out", str(tmp_path / "x"), "--public", str(tmp_path / "y"), *from_file]
    assert main(both) == 2
    assert not (tmp_path / "x").exists()


@only_in_full
def test_a_script_makes_a_sealed_identity(tmp_path: Path) -> None:
    identity, passphrases = tmp_path / "identity.txt", tmp_path / "p"
    passphrases.write_text("five words for a key\n")
    assert main(["keys", "new", "--out", str(identity), "--passphrase-file", str(passphrases)]) == 0
    assert b"AGE-SECRET-KEY-1" in pyrage.passphrase.decrypt(identity.read_bytes(), "five words for a key")
