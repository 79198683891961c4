"""`bodycamd keys`: what age-keygen would have made, judged by age itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.municipality.film.identities import Identities
from tests.kit import stock_tools
from tests.kit.scale import only_in_full


def test_a_new_identity_is_one_of_ages_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identity = tmp_path / "identity.txt"
    assert main(["keys", "new", "--out", str(identity)]) == 0
    recipient = capsys.readouterr().out.strip()
    assert stock_tools.run("age-keygen", "-y", identity).decode().strip() == recipient
    assert identity.stat().st_mode & 0o777 == 0o600
    made, public, private = identity.read_text().splitlines()
    assert made.startswith("# created: 20")
    assert made.endswith("Z")
    assert public == f"# public key: {recipient}"
    assert private.startswith("AGE-SECRET-KEY-1")
    encrypted = stock_tools.run("age", "-r", recipient, data=b"footage")
    assert stock_tools.run("age", "-d", "-i", identity, data=encrypted) == b"footage"
    assert Identities.load(identity).open(encrypted, "here") == b"footage"


@only_in_full
def test_an_identity_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    identity = tmp_path / "identity.txt"
    assert main(["keys", "new", "--out", str(identity)]) == 0
    before = identity.read_bytes()
    capsys.readouterr()
    assert main(["keys", "new", "--out", str(identity)]) == 73
    assert "never overwritten" in capsys.readouterr().err
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert main(["keys", "new", "--out", str(tmp_path / "link")]) == 73
    assert main(["keys", "new", "--out", str(tmp_path / "no" / "identity.txt")]) == 73
    assert identity.read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


@only_in_full
def test_a_recipients_file_is_checked_as_the_camera_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipients = tmp_path / "recipients.txt"
    names = []
    for number in range(2):
        assert main(["keys", "new", "--out", str(tmp_path / f"{number}.txt"), "--json"]) == 0
        names.append(json.loads(capsys.readouterr().out)["recipient"])
    recipients.write_text(f"# two officers\n{names[0]}\n\n{names[1]}\n")
    assert main(["keys", "check", str(recipients)]) == 0
    said = capsys.readouterr()
    assert (said.out.split(), said.err) == (names, "")
    recipients.write_text(f"{names[0]}\n")
    assert main(["keys", "check", str(recipients)]) == 0
    assert "one recipient only" in capsys.readouterr().err
    recipients.write_text(f"{names[0]}\nage1pq1notyet\n")
    assert main(["keys", "check", str(recipients)]) == 78
    assert "line 2" in capsys.readouterr().err
    recipients.write_text((tmp_path / "0.txt").read_text())
    assert main(["keys", "check", str(recipients)]) == 78
    said = capsys.readouterr()
    assert "private key" in said.err
    assert "AGE-SECRET-KEY-1" not in said.err


def test_every_recipient_opens_what_was_sealed_to_several(tmp_path: Path) -> None:
    names = [subprocess.run(["age-keygen", "-o", tmp_path / n], capture_output=True, text=True).stderr.split()[-1] for n in ("a", "b")]
    from bodycamd.camera.capture.worker.encrypt import encrypt, parse_recipients

    encrypted = encrypt(b"footage", parse_recipients("\n".join(names)))
    for name in ("a", "b"):
        assert stock_tools.run("age", "-d", "-i", tmp_path / name, data=encrypted) == b"footage"
