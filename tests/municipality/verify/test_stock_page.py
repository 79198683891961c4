"""docs/verify-with-stock-tools.md: its commands, as they stand on the page, against a fresh recording; and what they must notice."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full

pytestmark = only_in_full

PAGE = Path(__file__).parents[3] / "docs" / "verify-with-stock-tools.md"


def commands(until: int = 7) -> str:
    """All blocks of shell commands, in order, up to a step."""
    page = PAGE.read_text(encoding="utf-8").partition(f"\n## {until + 1}.")[0]
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def desk(eventful_camera: Camera, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lies on the expert's desk."""
    camera = eventful_camera
    desk = tmp_path_factory.mktemp("desk")
    shutil.copytree(camera.store, desk / "store")
    (desk / "keys").mkdir()
    shutil.copy(camera.identity, desk / "keys" / "identity.txt")
    (desk / "keys" / "device.pem").write_bytes(camera.device_pem)
    store, identity = str(desk / "store"), str(desk / "keys" / "identity.txt")
    assert main(["anchor", "--store", store, "--out", str(desk / "anchor.json")]) == 0
    assert main(["export", "000001-0001", "--store", store, "--identity", identity, "--out", str(desk / "case")]) == 0
    return desk


def run(desk: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", script], cwd=desk, capture_output=True, text=True)


def test_the_page_as_it_stands(desk: Path) -> None:
    done = run(desk, commands())
    assert (done.returncode, done.stderr) == (0, "")
    assert "WRONG" not in done.stdout, done.stdout
    for words in ("000000.tar: OK", "bytes: OK", "codec_name=h264", "the ledger extends the anchor", "v: the same", "a: the same"):
        assert words in done.stdout
    statements = (desk / "work" / "parts").read_text().splitlines()
    assert len(statements) >= 9
    assert str(len(statements)) in done.stdout.split()


@pytest.mark.parametrize("what", ["ledger line", "fragment", "signature", "cut ledger", "film", "other key"])
def test_the_page_notices(desk: Path, tmp_path: Path, what: str) -> None:
    copy = shutil.copytree(desk, tmp_path / "desk")
    if what == "ledger line":
        ledger = copy / "store/ledger/000001.jsonl"
        ledger.write_text(ledger.read_text().replace("played_to_device", "played_to_devise", 1))
    elif what in ("fragment", "signature"):
        segment = copy / "store/recordings/000001-0001/000000.tar"
        content = bytearray(segment.read_bytes())
        at = 600 if what == "fragment" else content.index(b"000001.sig") + 520
        content[at] ^= 1
        segment.write_bytes(bytes(content))
    elif what == "cut ledger":
        (copy / "store/ledger/000002.jsonl").unlink()
    elif what == "film":
        film = copy / "case/test-1_000001-0001.mp4"
        content = bytearray(film.read_bytes())
        content[-3000] ^= 1
        film.write_bytes(bytes(content))
    else:
        pair = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(copy / "private.pem")]
        subprocess.run(pair, check=True)
        subprocess.run(["openssl", "pkey", "-in", copy / "private.pem", "-pubout", "-out", copy / "keys/device.pem"], check=True)
    until = 7 if what == "film" else 6 if what == "cut ledger" else 4
    assert "WRONG" in run(copy, commands(until)).stdout
