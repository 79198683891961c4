"""A private key that stands where public ones belong is refused by everybody who reads the file, and shown by nobody."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config.private_keys import line_of_private_key
from bodycamd.evidence.keys import SigningKey
from tests.evidence.making import RECIPIENT
from tests.kit.scale import count, one_in, only_in_full, sample

ROOT = Path(__file__).parents[2]
GOOD = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
SECRET = "1N2APDFU4L80Y84ZCWLL09KTYJNAGWJGL7K9UR455N8XA5S8J999SEGU20N"
PEM = SigningKey.generate().file_bytes().decode().strip()
KEY = "PRIVATE " + "KEY"
AGE = "AGE-SECRET-" + "KEY"
PRIVATE = {
    "an age identity": f"{AGE}-{SECRET}",
    "in small letters": f"{AGE}-{SECRET}".lower(),
    "a post-quantum identity": f"{AGE}-PQ-{SECRET}",
    "a plugin's identity": f"AGE-PLUGIN-YUBIKEY-{SECRET}",
    "a plugin of two words": f"Age-Plugin-fido2-hmac-{SECRET}",
    "a PEM key": PEM,
    "an SSH key": f"-----BEGIN OPENSSH {KEY}-----\n{SECRET}\n-----END OPENSSH {KEY}-----",
    "an encrypted key": f"-----BEGIN ENCRYPTED {KEY}-----\n{SECRET}",
    "a PuTTY key": f"PuTTY-User-Key-File-3: ssh-ed25519\n{SECRET}",
    "a PGP key": f"-----BEGIN PGP {KEY} BLOCK-----\n{SECRET}",
}
"""Put together here: the house's own test looks for whole ones."""
PLACES = ["# {}", "#{}", "{}", "# public key: " + GOOD + " {}", "\u00a0# {}", "# \u2028{}"]


def in_comments(secret: str) -> str:
    return "\n".join(f"# {line}" for line in secret.splitlines())


@pytest.fixture
def configured(tmp_path: Path) -> Path:
    """A configuration that is right, with one recipient."""
    shutil.copytree(ROOT / "config" / "warnings", tmp_path / "warnings")
    (tmp_path / "recipients.txt").write_text(GOOD + "\n")
    path = tmp_path / "bodycamd.yaml"
    path.write_text(
        "device_id: cam-7\nkeys:\n  recipients: recipients.txt\n  signing: signing\nstorage:\n  directory: store\n"
        "board:\n  adapter: simulated\nspeaker:\n  output: simulated\nsimulation_directory: .\n"
    )
    return path


def told(capsys: pytest.CaptureFixture[str], where: str) -> None:
    """One line that names the place, and nothing of the secret."""
    out, err = capsys.readouterr()
    assert re.search(rf"{where}.*private key", err), err
    assert err.count("\n") == 1
    for piece in (SECRET, SECRET.lower(), *PEM.splitlines()[1:-1]):
        assert piece[:20] not in out + err


@only_in_full
@pytest.mark.parametrize("name", sample(PRIVATE, 6))
def test_in_a_comment_of_the_recipients(name: str, configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipients = configured.parent / "recipients.txt"
    assert main(["config", "check", str(configured)]) == 0
    capsys.readouterr()
    recipients.write_text(f"{GOOD}\n\n{in_comments(PRIVATE[name])}\n")
    assert main(["config", "check", str(configured)]) == 78
    told(capsys, "line 3")
    assert main(["keys", "check", str(recipients)]) == 78
    told(capsys, "line 3")


@only_in_full
@one_in(3)
@pytest.mark.parametrize("place", PLACES)
def test_wherever_it_stands(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipients = tmp_path / "recipients.txt"
    recipients.write_text(f"{GOOD}\n{place.format(PRIVATE['an age identity'])}\n")
    assert main(["keys", "check", str(recipients)]) == 78
    told(capsys, "line 2")


def test_in_utf_16_inside_a_comment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipients = tmp_path / "recipients.txt"
    recipients.write_bytes(f"{GOOD}\n#".encode() + PRIVATE["an age identity"].encode("utf-16-le") + b"\n")
    assert main(["keys", "check", str(recipients)]) == 78
    told(capsys, "line 2")


@only_in_full
def test_the_daemon_does_not_start(configured: Path) -> None:
    (configured.parent / "recipients.txt").write_text(f"{GOOD}\n# {PRIVATE['an age identity']}\n")
    command: list[str | Path] = [sys.executable, "-m", "bodycamd.camera.daemon", "--config", configured]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 78
    assert "line 2: a private key" in ended.stderr
    assert SECRET not in ended.stderr + ended.stdout
    assert not (configured.parent / "store").exists()


@only_in_full
def test_in_the_configuration(configured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, name in enumerate(PRIVATE):
        path = configured.with_name(f"{number}.yaml")
        path.write_text(in_comments(PRIVATE[name]) + "\n" + configured.read_text())
        assert main(["config", "check", "--text-only", str(path)]) == 78
        told(capsys, "line 1")


@only_in_full
def test_in_place_of_the_cameras_public_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "device.pem"
    for content in (PEM, SigningKey.generate().public.pem().decode() + PEM):
        key.write_text(content)
        (tmp_path / "store").mkdir(exist_ok=True)
        assert main(["verify", "--store", str(tmp_path / "store"), "--device-key", str(key)]) == 2
        told(capsys, "device.pem")


def test_the_installation_looks_for_the_same(tmp_path: Path) -> None:
    """Its `grep`, as it stands in the script, on files like those in /etc/bodycamd."""
    script = (ROOT / "scripts/install").read_text(encoding="utf-8")
    [look] = re.findall(r"exposed=\$\((grep .*) /etc/bodycamd\)", script)
    (tmp_path / "bodycamd.yaml").write_text((ROOT / "config/bodycamd.yaml").read_text() + f"# {GOOD} {RECIPIENT}\n")
    (tmp_path / "device.pem").write_bytes(SigningKey.generate().public.pem())
    shutil.copytree(ROOT / "config" / "warnings", tmp_path / "warnings")

    def found() -> str:
        return subprocess.run(["bash", "-c", f"{look} {tmp_path}"], capture_output=True, text=True).stdout.strip()

    assert found() == ""
    for secret in PRIVATE.values():
        (tmp_path / "recipients.txt").write_text(f"{GOOD}\n{in_comments(secret)}\n")
        assert found() == str(tmp_path / "recipients.txt")
    (tmp_path / "recipients.txt").unlink()
    (tmp_path / "device.pem").write_text(PEM)
    assert found() == str(tmp_path / "device.pem")


@settings(max_examples=count(500))
@given(st.text(max_size=80), st.sampled_from(sorted(PRIVATE.values())), st.text(max_size=80))
def test_it_is_found_between_any_text(before: str, secret: str, after: str) -> None:
    before, after = before.encode(errors="replace").decode(), after.encode(errors="replace").decode()
    assert line_of_private_key(f"{before}{secret}{after}".encode()) == before.count("\n") + 1


@settings(max_examples=count(500))
@given(st.lists(st.sampled_from([GOOD, RECIPIENT, "# of the desk", "", "# age-keygen made this", "# AGE-PLUGIN- of 2025"]), max_size=20))
def test_public_files_hold_none(lines: list[str]) -> None:
    assert line_of_private_key("\n".join(lines).encode()) is None
