"""Sealing and the recipients file; `age` itself is the judge."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path

import pyrage
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.worker.encrypt import EncryptError, Recipients, encrypt, encrypt_in_pieces, load_recipients, parse_recipients
from bodycamd.errors import ConfigError
from tests.kit.scale import count

ALICE, BOB = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
A, B = str(ALICE.to_public()), str(BOB.to_public())


def test_a_file_as_age_keygen_writes_it(tmp_path: Path) -> None:
    subprocess.run(["age-keygen", "-o", tmp_path / "identity.txt"], capture_output=True, check=True)
    public = subprocess.run(["age-keygen", "-y", tmp_path / "identity.txt"], capture_output=True, check=True, text=True).stdout.strip()
    (tmp_path / "recipients.txt").write_text(f"# evidence office\r\n\n  {public}  \n{A}\n# the end")
    recipients = load_recipients(tmp_path / "recipients.txt")
    assert recipients.names == (public, A)
    encrypted = encrypt(b"footage", recipients)
    opened = subprocess.run(["age", "-d", "-i", tmp_path / "identity.txt"], input=encrypted, capture_output=True, check=True)
    assert opened.stdout == b"footage"


BAD = [
    ("", "", "no recipient"),
    ("# nothing\n\n", "", "no recipient"),
    (f"{A}\n# x\n{A}", "line 3", "same recipient as in line 1"),
    (f"{A[:-1]}", "line 1", "not a valid"),
    (f"\n{A[:-1]}{'q' if A[-1] != 'q' else 'p'}", "line 2", "not a valid"),
    (f"{A} {B}", "line 1", "not a valid"),
    (f"{A} # mine", "line 1", "not a valid"),
    (A.upper(), "line 1", "not an age X25519"),
    ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW", "line 1", "not an age X25519"),
    ("age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t", "line 1", "not a valid"),
    (f"{A}\n{ALICE}", "line 2", "private key"),
    (f"{A}\n{str(ALICE).lower()}", "line 2", "private key"),
    (f"\ufeff{A}", "line 1", "not an age X25519"),
    ("\n".join(str(pyrage.x25519.Identity.generate().to_public()) for _ in range(65)), "line 65", "more than 64"),
]
"""Text, where it is wrong, and what the message says."""


@pytest.mark.parametrize(("text", "where", "why"), BAD, ids=[f"{number}: {why}" for number, (_, _, why) in enumerate(BAD)])
def test_a_bad_file_is_refused_with_line_and_reason(tmp_path: Path, text: str, where: str, why: str) -> None:
    path = tmp_path / "recipients.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_recipients(path)
    message = str(error.value)
    assert message.startswith(f"{path}: {where}")
    assert why in message
    assert "\n" not in message
    assert "AGE-SECRET-KEY-" not in message.upper(), "an error message must not spread a private key"


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="absent: No such file"):
        load_recipients(tmp_path / "absent")
    with pytest.raises(ConfigError, match="a folder stands where a regular file must be"):
        load_recipients(tmp_path)
    (tmp_path / "latin").write_bytes(b"# caf\xe9\n" + A.encode())
    with pytest.raises(ConfigError, match="not UTF-8 at byte 5"):
        load_recipients(tmp_path / "latin")


@settings(max_examples=count(300))
@given(st.binary(max_size=200_000))
def test_every_recipient_opens_it_and_nobody_else(plaintext: bytes) -> None:
    encrypted = encrypt(plaintext, parse_recipients(f"{A}\n{B}"))
    assert pyrage.decrypt(encrypted, [ALICE]) == pyrage.decrypt(encrypted, [BOB]) == plaintext
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(encrypted, [pyrage.x25519.Identity.generate()])
    assert len(plaintext) < 16 or plaintext not in encrypted.split(b"\n--- ", 1)[1]


def test_a_fragment_is_written_in_pieces_of_ages_own_blocks_and_none_is_copied_together() -> None:
    pieces = encrypt_in_pieces(bytes(1_000_000), parse_recipients(A))
    assert 16 <= len(pieces) <= 20
    assert max(map(len, pieces)) == 65_536 + 16
    assert pyrage.decrypt(b"".join(pieces), [ALICE]) == bytes(1_000_000)


def test_it_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EncryptError, match="no recipients"):
        encrypt(b"x", Recipients((), ()))
    recipients = parse_recipients(A)

    def breaks(source: BytesIO, into: BytesIO, keys: object) -> None:
        into.write(b"age-encryption.org/v1\n")
        raise RuntimeError("out of entropy")

    monkeypatch.setattr(pyrage, "encrypt_io", breaks)
    with pytest.raises(EncryptError, match="out of entropy"):
        encrypt(b"x", recipients)
    for answer in (b"", b"x", b"age-encryption.org/v1\n"):
        monkeypatch.setattr(pyrage, "encrypt_io", lambda _source, into, _keys, answer=answer: into.write(answer))
        with pytest.raises(EncryptError, match="not an age file"):
            encrypt(b"x" * 100, recipients)


@settings(max_examples=count(1000))
@given(st.text(max_size=300))
def test_any_text_gives_recipients_or_a_configuration_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_recipients(text)
