"""A bundle is built from a commit and lock files: the same bytes each time, and nothing that is not locked."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tarfile
import time
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from bodycamd.camera.installation.archive import unpack, verify
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.errors import BodycamError, DataError, OutputError, UnavailableError
from bodycamd.workshop.bundle import build, locks
from bodycamd.workshop.bundle.build import Recipe
from tests.kit.bundles import Release, source_repository, wheel
from tests.kit.scale import only_in_full

ROOT = Path(__file__).parents[3]
LOCKS = ROOT / "config/locks"
MACHINES = ("aarch64", "x86_64")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """A small source, one dependency in a folder of wheels, one Debian package in a folder that stands for the archive."""
    folder = tmp_path_factory.mktemp("recipe")
    for name in ("index", "locks", "debian/pool"):
        (folder / name).mkdir(parents=True)
    name, content = wheel("tiny", "1.0")
    (folder / "index" / name).write_bytes(content)
    (folder / "debian/pool/thing_1%3a2_arm64.deb").write_bytes(b"a package")
    digest = hashlib.sha256(b"a package").hexdigest()
    (folder / "locks/camera-aarch64.txt").write_text(f"# locked\ntiny==1.0 --hash=sha256:{hashlib.sha256(content).hexdigest()}\n")
    (folder / "locks/debian-aarch64.txt").write_text(f"thing 1:2 arm64 {digest} pool/thing_1%3a2_arm64.deb\n")
    options = ("--no-index", "--find-links", str(folder / "index"))
    repository = source_repository(folder / "source")
    return Recipe(
        repository, "aarch64", "3.13", folder / "locks", debian_archives=(str(folder / "none"), str(folder / "debian")), pip_options=options
    )


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return Release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def built(recipe: Recipe, release: Release, tmp_path_factory: pytest.TempPathFactory) -> build.Built:
    return build.build(recipe, release.key, tmp_path_factory.mktemp("first"))


def test_what_a_bundle_holds_follows_from_names_and_content_alone(release: Release, tmp_path: Path) -> None:
    source = build.Source("0.2.0", "aarch64", "3.13", "c0ffee" + "0" * 34, 1_760_000_000)
    made = []
    for number, names in enumerate((("install.pyz", "wheels/b.whl", "wheels/a.whl"), ("wheels/a.whl", "wheels/b.whl", "install.pyz"))):
        (folder := tmp_path / f"{number}/wheels").mkdir(parents=True)
        for name in names:
            (path := folder.parent / name).write_text(name)
            path.chmod(0o600 + number * 0o155)
            os.utime(path, (number, number))
        (out := tmp_path / f"out-{number}").mkdir()
        made.append(build.assemble(folder.parent, source, release.key, out).path.read_bytes())
    assert made[0] == made[1]


@only_in_full
def test_built_twice_it_is_equal_byte_for_byte(recipe: Recipe, release: Release, built: build.Built, tmp_path: Path) -> None:
    """Under another mask, in another time zone, with another day on the files, with strays in the tree."""
    (recipe.repository / "bodycamd/stray.py").write_text("stray = True\n")
    os.utime(recipe.repository / "bodycamd/__init__.py", (1, 1))
    before = os.umask(0o077)
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()
    try:
        again = build.build(recipe, release.key, tmp_path)
    finally:
        os.umask(before)
        del os.environ["TZ"]
        time.tzset()
        (recipe.repository / "bodycamd/stray.py").unlink()
    assert again.path.read_bytes() == built.path.read_bytes()
    assert again.path.name == "bodycamd-0.2.0.bundle"


@only_in_full
def test_another_release_key_changes_the_signature_alone(recipe: Recipe, built: build.Built, tmp_path: Path) -> None:
    again = build.build(recipe, Release(tmp_path).key, tmp_path)
    assert again.sha256 == built.sha256
    first, second = built.path.read_bytes(), again.path.read_bytes()
    assert sum(a != b for a, b in zip(first, second, strict=True)) <= 64


@only_in_full
def test_it_holds_what_the_lock_files_name_and_nothing_else(release: Release, built: build.Built, tmp_path: Path) -> None:
    found = verify(built.path, read_release_keys(release.public))
    unpack(found, tmp_path / "out")
    assert [member.path for member in found.manifest.files] == [
        "debian.txt",
        "debian/thing_2_arm64.deb",
        "install.pyz",
        "sbom.cdx.json",
        "wheels/bodycamd-0.2.0-py3-none-any.whl",
        "wheels/tiny-1.0-py3-none-any.whl",
    ]
    assert subprocess.run(["python3", "-I", tmp_path / "out/install.pyz"], check=False).returncode == 0
    with zipfile.ZipFile(tmp_path / "out/wheels/bodycamd-0.2.0-py3-none-any.whl") as own:
        assert "bodycamd/stray.py" not in own.namelist()
    with tarfile.open(built.path) as archive:
        assert all(member.isreg() and member.uid == 0 for member in archive.getmembers())


@only_in_full
def test_the_parts_list_names_each_package_with_its_hash(built: build.Built) -> None:
    with tarfile.open(built.path) as archive:
        file = archive.extractfile("sbom.cdx.json")
        assert file is not None
        parts = json.load(file)
    assert (parts["bomFormat"], parts["specVersion"]) == ("CycloneDX", "1.6")
    assert {part["purl"] for part in parts["components"]} == {
        "pkg:pypi/bodycamd@0.2.0",
        "pkg:pypi/tiny@1.0",
        "pkg:deb/debian/thing@1:2?arch=arm64",
    }
    assert all(part["hashes"][0]["alg"] == "SHA-256" for part in parts["components"])
    assert parts["metadata"]["component"]["name"] == "bodycamd"


@only_in_full
def test_a_bundle_is_never_overwritten(recipe: Recipe, release: Release, built: build.Built) -> None:
    with pytest.raises(OutputError, match="never overwritten"):
        build.build(recipe, release.key, built.path.parent)


@only_in_full
@pytest.mark.parametrize(("lock", "said"), [("camera", "pip download"), ("debian", "not the bytes that the lock file names")])
def test_other_bytes_than_the_locked_ones_are_refused(recipe: Recipe, release: Release, tmp_path: Path, lock: str, said: str) -> None:
    for file in recipe.locks.iterdir():
        text = file.read_text()
        (tmp_path / file.name).write_text(re.sub("[0-9a-f]{64}", "0" * 64, text) if lock in file.name else text)
    with pytest.raises((UnavailableError, DataError), match=said):
        build.build(replace(recipe, locks=tmp_path), release.key, tmp_path)
    assert not list(tmp_path.glob("*.bundle*"))


def test_uncommitted_changes_are_refused(recipe: Recipe) -> None:
    build.check_clean(recipe.repository)
    source = recipe.repository / "pyproject.toml"
    before = source.read_text()
    source.write_text(before + "# changed\n")
    try:
        with pytest.raises(DataError, match="uncommitted changes"):
            build.check_clean(recipe.repository)
    finally:
        source.write_text(before)


@pytest.mark.parametrize("name", ["numpy", "NumPy"])
def test_what_must_come_from_debian_is_refused_as_a_wheel(tmp_path: Path, name: str) -> None:
    (lock := tmp_path / "camera.txt").write_text(f"{name}==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(DataError, match="must come from Debian"):
        locks.read_wheels(lock)


@pytest.mark.parametrize(
    "line", ["tiny", "tiny==1.0", "tiny>=1 --hash=sha256:" + "0" * 64, "-r other.txt", "tiny @ https://example.org/x.whl"]
)
def test_a_lock_of_wheels_locks(tmp_path: Path, line: str) -> None:
    (lock := tmp_path / "camera.txt").write_text(line + "\n")
    with pytest.raises(DataError, match="line 1"):
        locks.read_wheels(lock)


@pytest.mark.parametrize("path", ["/etc/passwd.deb", "../x.deb", "pool/../../x.deb", "pool/x"])
def test_a_lock_of_debian_packages_stays_in_the_archive(tmp_path: Path, path: str) -> None:
    (lock := tmp_path / "debian.txt").write_text(f"thing 1 arm64 {'0' * 64} {path}\n")
    with pytest.raises(BodycamError, match="line 1"):
        locks.read_debian(lock)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_locks_of_the_repository_are_what_the_project_asks_for(machine: str) -> None:
    """Every requirement of a camera is locked, in a version that it allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = {wheel.name.lower().replace("_", "-"): wheel.version for wheel in locks.read_wheels(LOCKS / f"camera-{machine}.txt")}
    for line in (*project["dependencies"], *project["optional-dependencies"]["camera"]):
        wanted = Requirement(line)
        assert wanted.specifier.contains(locked[wanted.name]), line
    locks.read_debian(LOCKS / f"debian-{machine}.txt")
