"""What an image lacks is resolved on that image, by apt, and installed on a camera in an order that works, or not begun."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bodycamd.camera.installation import linux_system
from bodycamd.errors import BodycamError, DataError, UnavailableError
from bodycamd.workshop.bundle import debian, image, locks
from tests.kit import debian_archive
from tests.kit.debian_archive import package, stanza

INSTALLED = "install ok installed"
ARCHIVE = {
    "reader": {"depends": "driver (>= 2), base", "recommends": "extra"},
    "driver": {"version": "1:2.0-3", "pre_depends": "zlib"},
    "zlib": {},
    "base": {"version": "2.0"},
    "extra": {},
    "hostile": {"conflicts": "base"},
}
BASE = stanza("base", "1.0", {}, INSTALLED)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with `base`, and an archive that has more."""
    return debian_archive.system(tmp_path / "root", debian_archive.archive(tmp_path / "archive", ARCHIVE), [BASE])


def test_what_the_image_lacks_is_locked_and_downloaded(root: Path, tmp_path: Path) -> None:
    """What it has stays as it is, recommendations stay away, and the lock is one that a build reads."""
    found = debian.resolve_on(root, ["reader"], "x86_64", "3.13", tmp_path / "set")
    locked = locks.read_debian(found.lock)
    assert [package.name for package in locked] == ["zlib", "driver", "reader"], "each behind what it needs"
    assert [(package.version, package.file) for package in locked if package.name == "driver"] == [("1:2.0-3", "driver_2.0-3_all.deb")]
    assert all((found.archive / package.path).is_file() for package in locked)
    assert found.lock.read_text().startswith("# What reader take beside an image of Debian of a test, amd64.\n")
    (tmp_path / "bundle").mkdir()
    from bodycamd.workshop.bundle.packages import fetch_debian

    fetch_debian(locked, [str(found.archive)], tmp_path / "bundle")


def test_an_image_that_has_all_takes_nothing(root: Path, tmp_path: Path) -> None:
    assert locks.read_debian(debian.resolve_on(root, ["base"], "x86_64", "3.13", tmp_path / "set").lock) == ()


@pytest.mark.parametrize(
    ("packages", "machine", "kind", "said"),
    [
        (["hostile"], "x86_64", DataError, "would lose base"),
        (["nonesuch"], "x86_64", UnavailableError, "Unable to locate package nonesuch"),
        (["reader"], "aarch64", DataError, "an image of x86_64 with Python 3.13, and the bundle is for aarch64 and 3.13"),
    ],
)
def test_what_does_not_fit_the_image_is_refused(
    root: Path, tmp_path: Path, packages: list[str], machine: str, kind: type[BodycamError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        debian.resolve_on(root, packages, machine, "3.13", tmp_path / "set")


def partitioned(root: Path, file: Path) -> Path:
    """An image as Raspberry Pi OS has it: a small partition for the firmware, then the system's."""
    with file.open("wb") as made:
        made.truncate(24 << 20)
    table = "label: dos\nstart=2048, size=2048, type=c\nstart=8192, type=83\n"
    subprocess.run(["sfdisk", "--quiet", file], input=table, text=True, check=True)
    offset = 8192 * 512
    command: list[str | Path] = ["mke2fs", "-q", "-t", "ext4", "-d", root, "-E", f"offset={offset}", file, f"{(24 << 20) - offset >> 10}k"]
    subprocess.run(command, check=True, capture_output=True)
    return file


def test_an_image_is_read_as_it_lies_there(root: Path, tmp_path: Path) -> None:
    """Without a mount, and so without root."""
    file = partitioned(root, tmp_path / "system.img")
    before = file.read_bytes()
    read, mounted = image.read_image(file, tmp_path / "a"), image.read_root(root, tmp_path / "b")
    assert (
        (read.title, read.architecture, read.python)
        == (mounted.title, mounted.architecture, mounted.python)
        == ("Debian of a test", "amd64", "3.13")
    )
    names = [sorted(str(path.relative_to(one.folder)) for path in one.folder.rglob("*")) for one in (read, mounted)]
    assert names[0] == names[1]
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no image" * 1000])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (file := tmp_path / "x.img").write_bytes(content)
    with pytest.raises(BodycamError) as caught:
        image.read_image(file, tmp_path / "a")
    assert "\n" not in str(caught.value)


def test_the_manifest_names_what_a_card_reader_takes() -> None:
    manifest = Path(__file__).parents[3] / "config/debian-packages.toml"
    camera, both = debian.read_manifest(manifest, ["camera"]), debian.read_manifest(manifest, ["camera", "pcsc"])
    assert {"pcscd", "libccid", "python3-pyscard"} <= {*both} - {*camera}
    assert {"python3-venv", "openssl", "alsa-utils", "python3-picamera2"} == {*camera}
    with pytest.raises(DataError, match="pn532: not a list"):
        debian.read_manifest(manifest, ["pn532"])


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """apt of a camera that has what is in this status, and dpkg that only says what it was asked."""
    real, status = linux_system._start, tmp_path / "status"

    def start(*command: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        where = ["-o", f"Dir::State::status={status}", "-o", "APT::Architecture=amd64", "-o", "APT::Architectures=amd64"]
        if command[0] == "apt-get":
            return real(*command, *where, seconds=seconds)
        with (tmp_path / "asked").open("a") as asked:
            asked.write(" ".join(Path(word).name for word in command) + "\n")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(linux_system, "_start", start)

    def has(installed: str) -> None:
        status.write_text(debian_archive.SYSTEM + installed)

    return has


def install(names: str) -> str:
    """What dpkg is asked for, with what is missing first; what is there it passes over."""
    return " ".join(["dpkg --install --skip-same-version --refuse-downgrade", *(f"{name}_1.0_all.deb" for name in names)])


def test_packages_are_installed_each_behind_what_it_needs(tmp_path: Path, camera: Callable[[str], None]) -> None:
    packages = [package(tmp_path, "a", pre_depends="z"), package(tmp_path, "m", depends="a"), package(tmp_path, "z")]
    has = [stanza("a", "1.0", {"pre_depends": "z"}, INSTALLED), stanza("z", "1.0", {}, INSTALLED)]
    for installed, wanted in (([], "zam"), (has, "maz"), ([*has, stanza("m", "1.0", {"depends": "a"}, INSTALLED)], "amz")):
        camera("\n".join(installed))
        (tmp_path / "asked").unlink(missing_ok=True)
        linux_system.LinuxSystem(tmp_path).install_debian(packages)
        assert (tmp_path / "asked").read_text().splitlines() == ["dpkg --configure -a", install(wanted), "dpkg --configure -a"]


@pytest.mark.parametrize("left", ["install ok unpacked", "install ok half-configured", "install reinstreq half-installed"])
def test_what_a_cut_left_half_is_completed(tmp_path: Path, camera: Callable[[str], None], left: str) -> None:
    """What it needs was still to come."""
    packages = [package(tmp_path, "a", depends="m"), package(tmp_path, "m", depends="z"), package(tmp_path, "z")]
    camera(stanza("a", "1.0", {"depends": "m"}, left))
    linux_system.LinuxSystem(tmp_path).install_debian(packages)
    assert (tmp_path / "asked").read_text().splitlines() == ["dpkg --configure -a", install("zma"), "dpkg --configure -a"]


@pytest.mark.parametrize(
    ("installed", "fields", "said"),
    [
        ("", {"depends": "libc6 (>= 2.41)"}, r"a : Depends: libc6 \(>= 2\.41\)"),
        (stanza("libc6", "2.36", {}, INSTALLED), {"depends": "libc6 (>= 2.41)"}, r"a : Depends: libc6 \(>= 2\.41\).*2\.36"),
        (stanza("old", "1", {}, INSTALLED), {"conflicts": "old"}, "they would remove old"),
    ],
)
def test_where_the_image_is_another_one_nothing_is_begun(
    tmp_path: Path, camera: Callable[[str], None], installed: str, fields: dict[str, str], said: str
) -> None:
    camera(installed)
    with pytest.raises(DataError, match=f"do not fit this image: {said}"):
        linux_system.LinuxSystem(tmp_path).install_debian([package(tmp_path, "a", **fields)])
    assert (tmp_path / "asked").read_text() == "dpkg --configure -a\n"
