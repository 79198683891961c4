"""A bundle for a Pi is installed on a Pi's processor, emulated, as far as that depends on the processor: see `install.py`."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

from bodycamd.cli.main import main

pytestmark = [pytest.mark.arm64, pytest.mark.root, pytest.mark.timeout(1800)]

REPOSITORY = Path(__file__).parents[3]
MOST_SECONDS = 900.0
"""Of processor time for the whole installation: what others do on this machine meanwhile is not counted."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the root with a bundle of this commit, and what a technician brings along."""
    if "BODYCAMD_ARM64_ROOT" not in os.environ:
        pytest.skip("needs the root that scripts/test-arm64 makes")
    made, folder = tmp_path_factory.mktemp("bundle"), Path(os.environ["BODYCAMD_ARM64_ROOT"]).resolve() / "bench-installation"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "etc").mkdir(parents=True)
    key, public = made / "release.key", folder / "release.pem"
    assert main(["keys", "release", "--no-passphrase", "--out", str(key), "--public", str(public)]) == 0
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", REPOSITORY, made / "source"], check=True)
    (made / "source/build").symlink_to(REPOSITORY / "build")
    subprocess.run(["scripts/build-bundle", "--key", key, "--out", folder], cwd=made / "source", check=True)
    [bundle] = folder.glob("*.bundle")
    bundle.rename(folder / "pi.bundle")
    taken = subprocess.run(["tar", "-xOf", folder / "pi.bundle", "install.pyz"], check=True, capture_output=True)
    (folder / "install.pyz").write_bytes(taken.stdout)
    shutil.copy(REPOSITORY / "tests/system/arm64/install.py", folder)
    shutil.copytree(REPOSITORY / "config/warnings", folder / "etc/warnings")
    subprocess.run(["age-keygen", "-o", made / "identity.txt"], check=True, capture_output=True)
    recipient = subprocess.run(["age-keygen", "-y", made / "identity.txt"], check=True, capture_output=True)
    (folder / "etc/recipients.txt").write_bytes(recipient.stdout)
    given = "device_id: cam-7\nkeys: { recipients: recipients.txt }\nvideo: { source: pattern }\n"
    given += "board: { adapter: simulated }\nsimulation_directory: .\n"
    (folder / "etc/bodycamd.yaml").write_text(given)
    return folder


def inside(bench: Path) -> subprocess.CompletedProcess[str]:
    """The installer's steps, in the root."""
    given = [f"/{bench.name}/{name}" for name in ("install.pyz", "pi.bundle", "release.pem", "etc/bodycamd.yaml")]
    program = ["env", "HOME=/root", "/usr/bin/python3", "-P", "-s", f"/{bench.name}/install.py", *given]
    return subprocess.run([REPOSITORY / "scripts/inside", bench.parent, *program], capture_output=True, text=True, check=False)


def test_a_bundle_is_installed_to_its_end(bench: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = inside(bench)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    processor_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": told["seconds"], "processor_seconds": round(processor_seconds)}))
    assert (told["machine"], told["fits"]) == ("aarch64", True)
    assert told["check"][0] == 0
    assert told["check"][1].endswith("the configuration is valid\n")
    assert processor_seconds <= MOST_SECONDS


def test_a_configuration_that_it_refuses_is_told_before_anything_is_made(bench: Path) -> None:
    (configuration := bench / "etc/bodycamd.yaml").write_text(configuration.read_text() + "gestures: { hold: 3 }\n")
    done = inside(bench)
    assert done.returncode != 0
    assert "gestures.hold: unknown key" in done.stderr
    assert not list((bench.parent / "opt/installed").glob("*/bin"))
