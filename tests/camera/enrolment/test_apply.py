"""A new camera makes its keys and applies with them, once, whatever cuts it short."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bodycamd.camera.enrolment import apply as applying
from bodycamd.camera.enrolment.apply import apply
from bodycamd.camera.installation.linux_system import PROVISION
from bodycamd.cli.main import main
from bodycamd.errors import DataError, NotFoundError, StorageError
from bodycamd.evidence.application import SignedApplication, decode, token_signer
from bodycamd.evidence.keys import KeyFolder, PublicKey, load_key_file, provision
from bodycamd.linux import durable
from tests.kit.scale import only_in_full

TOKEN = bytes(range(32))


class Camera:
    """The folders of a camera that was never started."""

    def __init__(self, folder: Path) -> None:
        self.token, self.out = folder / "token", folder / "application.txt"
        self.signing, self.own, self.registered = folder / "signing", folder / "enrolment", folder / "device.pem"
        self.serial = folder / "serial-number"
        self.token.write_text(f"{TOKEN.hex()}\n")
        self.serial.write_bytes(b"10000000abcdef01\0")

    def apply(self) -> SignedApplication:
        return apply("HV-07", self.token, self.signing, self.own, self.out, self.registered, self.serial)


def test_the_application_states_the_keys_that_are_on_the_camera(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    signed = camera.apply()
    application = signed.application
    assert decode(camera.out.read_bytes(), "x") == signed
    assert (application.camera, application.serial) == ("HV-07", "10000000abcdef01")
    assert application.token_key == token_signer(TOKEN).public.raw.hex()
    assert application.first_key == PublicKey.from_pem(provision(camera.signing)).raw.hex()
    for name, stated in (("uplink.key", application.uplink_key), ("message.key", application.message_key)):
        held = load_key_file(camera.own / name)
        assert held is not None
        assert held.public.raw.hex() == stated
        assert (camera.own / name).stat().st_mode & 0o777 == 0o600


def test_the_token_is_gone_and_the_camera_applies_once(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.apply()
    assert not camera.token.exists()
    with pytest.raises(NotFoundError, match="applied before"):
        camera.apply()


def test_the_registered_key_is_the_one_that_the_installation_wrote(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.registered.write_bytes(provision(camera.signing))
    assert camera.apply().application.first_key == PublicKey.from_pem(camera.registered.read_bytes()).raw.hex()


def test_a_camera_that_applied_before_an_installation_registered_its_key_is_registered_after_it_has_started(tmp_path: Path) -> None:
    """So it is with a card whose image has the program: the first update registers the key."""
    camera = Camera(tmp_path)
    first = PublicKey.from_hex(camera.apply().application.first_key)
    folder = KeyFolder(camera.signing)
    [key] = camera.signing.iterdir()
    folder.create(2)
    folder.erase(key)
    with pytest.raises(StorageError, match="already provisioned"):
        provision(camera.signing)
    config = tmp_path / "bodycamd.yaml"
    config.write_text(f"device_id: HV-07\nvideo: {{source: pattern}}\nkeys: {{signing: {camera.signing}}}\n")
    script = PROVISION.replace("/etc/bodycamd/bodycamd.yaml", str(config))
    script = script.replace("/var/lib/bodycamd/enrolment/application.txt", str(camera.out))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert (done.stdout, done.returncode) == (first.pem(), 0), done.stderr


def test_a_computer_that_has_no_number_applies_without_one(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.serial.unlink()
    assert camera.apply().application.serial is None


class _Cut(BaseException):
    """The power is gone."""


@only_in_full
def test_after_a_cut_at_any_step_the_camera_applies_with_the_same_keys_as_anybody_may_have_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every durable step is cut once before and once after it was done."""
    real = {name: getattr(durable, name) for name in ("create", "erase", "make_folder", "settle")}
    for cut_at in range(40):
        (tmp_path / str(cut_at)).mkdir()
        camera = Camera(tmp_path / str(cut_at))
        steps = iter(range(100))

        def step(name: str, *given: object, cut_at: int = cut_at, steps: Iterator[int] = steps) -> object:
            number = next(steps)
            if number == cut_at // 2 and cut_at % 2 == 0:
                raise _Cut
            done = real[name](*given)
            if number == cut_at // 2:
                raise _Cut
            return done

        with monkeypatch.context() as cutting:
            for name in real:
                cutting.setattr(durable, name, lambda *given, name=name: step(name, *given))
            try:
                camera.apply()
            except _Cut:
                pass
            else:
                assert cut_at >= 12, "nothing was cut"
                return
        seen = camera.out.read_bytes() if camera.out.exists() else None
        if camera.token.exists():
            signed = camera.apply()
            assert seen in (None, b"", signed.document.file_bytes), cut_at
        else:
            assert seen is not None
            signed = decode(seen, "x")
        for name, stated in (("uplink.key", signed.application.uplink_key), ("message.key", signed.application.message_key)):
            held = load_key_file(camera.own / name)
            assert held is not None
            assert held.public.raw.hex() == stated
    pytest.fail("more steps than were cut")


def test_a_torn_key_is_made_anew(tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.own.mkdir()
    (camera.own / "uplink.key").write_bytes(b"-----BEGIN")
    assert load_key_file(camera.own / "uplink.key") is None
    held = (camera.apply(), load_key_file(camera.own / "uplink.key"))
    assert held[1] is not None
    assert held[1].public.raw.hex() == held[0].application.uplink_key


@pytest.mark.parametrize("content", ["", "zz" * 32, "00" * 31, "0" * 300])
def test_what_is_no_token_makes_no_application(content: str, tmp_path: Path) -> None:
    camera = Camera(tmp_path)
    camera.token.write_text(content)
    with pytest.raises(DataError):
        camera.apply()
    assert not camera.out.exists()
    assert os.listdir(tmp_path) == ["token", "serial-number"] or sorted(os.listdir(tmp_path)) == ["serial-number", "token"]


def test_the_command_prints_what_is_to_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    camera = Camera(tmp_path)
    (tmp_path / "bodycamd.yaml").write_text("device_id: HV-07\nkeys: {signing: signing}\n")
    monkeypatch.setattr(applying, "REGISTERED", camera.registered)
    words = ["enrol", "--token", str(camera.token), "--out", str(camera.out), "--config", str(tmp_path / "bodycamd.yaml")]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == decode(camera.out.read_bytes(), "x").fingerprint
    assert main(words) == 66


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("place", ["nowhere", "somebody's"])
def test_where_it_is_no_camera_nothing_is_made(place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    camera = Camera(tmp_path)
    data = tmp_path / "var"
    if place == "somebody's":
        data.mkdir()
        os.chown(data, 4242, 4242)
    (tmp_path / "bodycamd.yaml").write_text(f"device_id: HV-07\nkeys: {{signing: {data}/device}}\n")
    before = sorted(tmp_path.rglob("*"))
    words = ["enrol", "--token", str(camera.token), "--out", str(camera.out), "--config", str(tmp_path / "bodycamd.yaml")]
    assert main(words) == 77
    said = capsys.readouterr().err
    assert str(data) in said
    assert "runuser -u bodycam" in said
    assert sorted(tmp_path.rglob("*")) == before
