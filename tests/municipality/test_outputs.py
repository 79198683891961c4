"""What commands write: nothing that exists is overwritten, and nobody else may read it, whatever the umask.

All commands with all their paths, found in the program itself: a new command, or a new path of one, fails until it is told here what it is.
"""

from __future__ import annotations

import os
import stat
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from msgspec.structs import replace

from bodycamd.cli import fleet_option
from bodycamd.cli import main as program
from bodycamd.config.load import load
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.copies.person_keys import new_person_key
from bodycamd.workshop.acceptance.sheet import blank
from tests.evidence.rostering import FIRST, person, signed
from tests.kit.camera import Camera
from tests.kit.scale import only_in_full
from tests.municipality.publish.test_retention_pages import kept
from tests.municipality.station.life import DEVICE, STATION_KEY, Life

__all__ = ["kept"]

RECORDING = "000001-0001"
PRECIOUS = b"AGE-SECRET-KEY-1: the only one there is\n"
READ = {
    "acceptance sheet file", "acceptance show file", "acceptance show people", "acceptance sign file", "acceptance sign key",
    "acceptance sign passphrase_file", "acceptance sign selftest",
    "bundle build key", "bundle build locks", "bundle build passphrase_file", "bundle install bundle", "bundle install release_key",
    "bundle show bundle", "bundle show release_key", "bundle update bundle", "config firmware file", "config wiring file",
    "fleet card bundle", "fleet cards bundle", "fleet cards image", "fleet check file", "fleet check fleet",
    "fleet cosign passphrase_file", "fleet enrol file",
    "fleet init passphrase_file", "fleet list fleet", "fleet officer-card fleet", "fleet officer-card number_file",
    "fleet roster passphrase_file", "fleet roster signed",
    "fleet show-card boot_partition", "fleet show-card fleet", "fleet show-card image",
    "keys drill answer identity", "keys drill answer passphrase_file", "keys drill answer probe",
    "keys drill begin fleet", "keys drill check folder", "keys person for-fleet passphrase_file", "selftest socket",
    "anchor socket", "anchor store", "config card file", "config check file", "contact-sheet film",
    "export anchor", "export device_key", "export identity", "export passphrase_file",
    "export people", "export store", "hold add key", "hold add passphrase_file", "hold add people", "hold add socket",
    "hold list people", "hold list socket", "hold list store", "hold release key", "hold release passphrase_file", "hold release people",
    "hold release socket", "keys check recipients", "keys new passphrase_file",
    "keys person check file", "keys person check passphrase_file",
    "keys person new passphrase_file", "keys release passphrase_file", "offload key", "offload passphrase_file", "offload socket",
    "offload store", "order cosign key", "order cosign passphrase_file", "order cosign roster", "order deliver files",
    "order deliver socket",
    "order show file", "order show roster",
    *(
        f"order sign {kind} {path}"
        for kind in ("configuration", "end-forward", "forward", "hold", "release", "shift", "update")
        for path in ("key", "passphrase_file", "roster")
    ),
    *(f"order sign suspension {path}" for path in ("ca", "key", "passphrase_file", "roster")),
    "prune device_key", "prune key", "prune passphrase_file", "prune people", "recordings certificate store", "recordings check store",
    "recordings list socket", "recordings list store", "recordings log socket", "recordings log store", "recordings show socket",
    "recordings show store", "shift begin socket", "shift end socket", "status socket",
    "bundle build debian_lock", "bundle build image", "bundle build packages",
    "station help answer ca", "station help answer key", "station help answer passphrase_file", "station help answer roster",
    "station backup file", "station cameras file", "station certificate file", "station check file", "station copies file",
    "station bundle add bundle", "station bundle add file", "station bundle add release_key", "station bundle list file",
    "station bundle remove file",
    "station order file",
    "station help list file", "station forward file", "station forward order_file",
    "station order order_file", "station orders file",
    "station rebuild file", "station restore backup_file", "station orders-brought file", "station restore file",
    "station run file", "station stamps file",
    "support-bundle socket", "support-bundle store",
    "sweep socket", "transparency store", "verify anchor", "verify device_key", "verify people", "verify store",
}  # fmt: skip
"""Command and path: what is only read."""
HELD = ["--ground", "complaint", "--reference", "Z-2026/00123", "--review-on", "2026-09-01"]
COPY = "tests/municipality/copies/test_copies.py"
CONFIGURATION = Path(__file__).parents[2] / "config" / "bodycamd.yaml"
CARDS = "tests/workshop/fleet/test_cards.py"
ROSTERS = "tests/workshop/fleet/test_next_roster.py"
CHANGED = {
    "bundle build out": "tests/workshop/bundle",
    "config migrate file": "tests/config/test_migrations.py",
    "enrol token": "tests/camera/enrolment/test_apply.py",
    "fleet card boot_partition": CARDS,
    "fleet card fleet": CARDS,
    "fleet card image": CARDS,
    "fleet cards fleet": CARDS,
    "fleet cards out": CARDS,
    "fleet cosign draft": ROSTERS,
    "fleet enrol fleet": "tests/workshop/fleet/test_enrolling.py",
    "fleet init out": "tests/workshop/fleet/test_fleet_file.py",
    "fleet lost fleet": ROSTERS,
    "fleet replace fleet": ROSTERS,
    "fleet retire fleet": ROSTERS,
    "fleet roster fleet": ROSTERS,
    "fleet take-back fleet": "tests/workshop/fleet/test_taken_back.py",
    "keys drill begin out": "tests/workshop/fleet/test_people.py",
    "keys person for-fleet out": "tests/workshop/fleet/test_people.py",
    "hold add store": COPY,
    "hold release store": COPY,
    "order cosign file": "tests/cli/test_order.py",
    "prune store": COPY,
    "offload to": "tests/municipality/copies/test_offload.py",
    "simulate dir": "tests/cli/test_simulate.py",
    "station backup folder": "tests/municipality/station/test_backup.py",
    "station init folder": "tests/municipality/station/test_service.py",
    "station push-key folder": "tests/municipality/station/test_push_settings.py",
    "sweep store": "tests/system/test_retention.py",
}
"""What is changed because that was asked for: a store or a camera of its own, a fleet's record, a card; where that is shown."""


@dataclass(frozen=True)
class Scene:
    """What there is to read: a camera with a film of it, a store with a deletion."""

    camera: Camera
    film: Path
    deleted_in: Path
    deleted: str


WRITTEN: dict[str, Callable[[Scene, Path], list[object]]] = {
    "acceptance sheet out": lambda _, to: ["acceptance", "sheet", CONFIGURATION, "--out", to],
    "acceptance sign out": lambda _, to: accepted(to),
    "anchor out": lambda scene, to: ["anchor", "--store", scene.camera.store, "--out", to],
    "anchor qr": lambda scene, to: ["anchor", "--store", scene.camera.store, "--qr", to],
    "config card out": lambda _, to: ["config", "card", CONFIGURATION, "--out", to],
    "config wiring out": lambda _, to: ["config", "wiring", CONFIGURATION, "--out", to],
    "contact-sheet png": lambda scene, to: ["contact-sheet", scene.film, to, "--columns", 2, "--rows", 1],
    "enrol out": lambda scene, to: applying(scene, to),
    "export contact_sheet": lambda scene, to: [*exported(scene), "--out", to.with_name("new.mp4"), "--contact-sheet", to],
    "export out": lambda scene, to: [*exported(scene), "--out", to],
    "keys new out": lambda _, to: ["keys", "new", "--out", to],
    "keys person new out": lambda _, to: ["keys", "person", "new", "--out", to, "--id", "E-03"],
    "keys release out": lambda _, to: released("--out", to, "--public"),
    "keys release public": lambda _, to: released("--public", to, "--out"),
    "order sign configuration out": lambda _, to: ordering(to, "configuration", "reminder_seconds=60", "--base", "ab" * 32),
    "order sign update out": lambda _, to: ordering(to, "update", "ef" * 32),
    "order sign hold out": lambda _, to: [*ordering(to, "hold", "--recording", RECORDING), *HELD],
    "order sign forward out": lambda _, to: [*ordering(to, "forward", "--recording", RECORDING, "--receiver", "meldkamer"), *HELD[:4]],
    "order sign end-forward out": lambda _, to: ordering(to, "end-forward", "34" * 32),
    "order sign release out": lambda _, to: ordering(to, "release", "ab" * 32, "--second", "P-01", "--reason", "settled"),
    "order sign suspension out": lambda _, to: ordering(to, "suspension", "--suspend", "E-01"),
    "order sign shift out": lambda _, to: ordering(to, "shift", "begin", "--officer", "H-12"),
    "recordings certificate html": lambda scene, to: [*certified(scene), "--html", to],
    "recordings certificate out": lambda scene, to: [*certified(scene), "--out", to],
    "selftest target": lambda _, to: ["selftest", "--target", to],
    "station certificate out": lambda _, to: [*deleted_at_a_station(to), "--out", to],
    "station help answer out": lambda _, to: ["station", "help", "answer", "ab" * 32, *ordering(to)[2:]],
    "support-bundle out": lambda scene, to: ["support-bundle", "--store", scene.camera.store, "--out", to],
    "transparency out": lambda scene, to: ["transparency", "--month", "2026-03", "--store", scene.deleted_in, "--out", to],
}
"""Command and path: how it is told to write there."""
ENDINGS = {
    "config card out": ".html",
    "config wiring out": ".svg",
    "contact-sheet png": ".png",
    "export contact_sheet": ".png",
    "export out": "",
    "selftest target": ".svg",
}
"""What a name must end in to be taken by commands that do not take any name."""


def exported(scene: Scene) -> list[object]:
    return ["export", RECORDING, "--store", scene.camera.store, "--identity", scene.camera.identity]


def certified(scene: Scene) -> list[object]:
    return ["recordings", "certificate", scene.deleted, "--store", scene.deleted_in]


def deleted_at_a_station(to: Path) -> list[object]:
    """A station that had a recording until its term was over."""
    folder = beside(to)
    if not (folder / "station.yaml").exists():
        life = Life(folder)
        name = life.record()
        life.send()
        life.off(29)
        assert life.sweep().deleted == ((DEVICE, name),)
        life.close()
        (folder / "key.pem").write_bytes(STATION_KEY.file_bytes())
        keys = f"{{signing: {folder}/key.pem, root: {folder}/root, roster: {folder}/roster}}"
        (folder / "station.yaml").write_text(f"name: station-1\nauthority: s.example\ndata: {folder}/station\nkeys: {keys}\n")
    return ["station", "certificate", "000001-0001", folder / "station.yaml", "--camera", DEVICE]


def released(option: str, to: Path, other: str) -> list[object]:
    """Both halves of a release key; the other one gets a name that is free."""
    return ["keys", "release", option, to, other, to.with_name(f"other-half-of-{to.name}"), "--no-passphrase"]


def ordering(to: Path, *words: str) -> list[object]:
    """A person of a roster that is in force, with a key."""
    folder, day_us = beside(to), 86_400_000_000
    if not (folder / "roster").exists():
        key, now_us = new_person_key(folder / "order.pem"), fleet_option.now_us()
        times = {"made_at": wall_text(now_us - day_us), "not_after": wall_text(now_us + day_us)}
        own = replace(person("E-09", "evidence", "coordinator", "privacy", "technician"), key=key.raw.hex())
        (folder / "roster").write_bytes(signed(replace(FIRST, people=(*FIRST.people, own), **times)).document.file_bytes)
    who = ["--person", "E-09", "--key", folder / "order.pem", "--roster", folder / "roster", "--out", to]
    return ["order", "sign", *words, "--camera", "HV-01", *who]


def beside(to: Path) -> Path:
    """A folder outside of the one that is looked at."""
    folder = to.parent.with_name(f"{to.parent.name}-beside")
    folder.mkdir(exist_ok=True)
    return folder


def accepted(to: Path) -> list[object]:
    """A sheet that is filled in, and a key."""
    sheet, key = beside(to) / "sheet.yaml", beside(to) / "key.pem"
    if not sheet.exists():
        sheet.write_text(blank(load(CONFIGURATION)))
        new_person_key(key)
    return ["acceptance", "sign", sheet, "--by", "E-03", "--key", key, "--out", to]


def applying(scene: Scene, to: Path) -> list[object]:
    """A camera that has not applied yet."""
    folder = beside(to)
    (folder / "token").write_text(f"{'5a' * 32}\n")
    (folder / "bodycamd.yaml").write_text(
        f"device_id: HV-07\nkeys: {{signing: {folder}/signing}}\nstorage: {{directory: {scene.camera.store}}}\n"
    )
    return ["enrol", "--token", folder / "token", "--out", to, "--config", folder / "bodycamd.yaml"]


def paths(app: typer.Typer = program.app, group: str = "") -> Iterator[str]:
    """Every path that a command takes, as `command parameter`."""
    for command in app.registered_commands:
        assert command.callback is not None
        for parameter, kind in typing.get_type_hints(command.callback).items():
            if Path in (kind, *typing.get_args(kind)):
                yield f"{group}{command.name or command.callback.__name__} {parameter}"
    for below in app.registered_groups:
        assert below.typer_instance is not None
        yield from paths(below.typer_instance, f"{group}{below.name} ")


@pytest.fixture(scope="module")
def scene(eventful_camera: Camera, kept: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    film = tmp_path_factory.mktemp("film") / "film.mp4"
    scene = Scene(eventful_camera, film, *kept)
    assert run([*exported(scene), "--out", film]) == 0
    return scene


def run(words: list[object]) -> int:
    return program.main([str(word) for word in words])


def test_every_path_of_every_command_is_known() -> None:
    configurations = {path for path in paths() if path.endswith(" config")}  # read, by every command that has one
    assert set(paths()) - configurations == READ | set(CHANGED) | set(WRITTEN)


@only_in_full
@pytest.mark.parametrize("name", WRITTEN)
def test_what_exists_is_never_overwritten(name: str, scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ending = ENDINGS.get(name, ".txt")
    precious, link, dangling, folder = (tmp_path / f"{what}{ending}" for what in ("identity", "link", "dangling", "folder"))
    precious.write_bytes(PRECIOUS)
    link.symlink_to(precious)
    dangling.symlink_to(tmp_path / "elsewhere")
    folder.mkdir()
    (folder / "transparency-2026-03.csv").write_bytes(PRECIOUS)
    before = everything(tmp_path)
    for taken in (precious, link, dangling, folder):
        assert run(WRITTEN[name](scene, taken)) == 73, taken
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
    assert everything(tmp_path) == before


@only_in_full
@pytest.mark.parametrize("name", ["export out", "export contact_sheet"])
def test_overwrite_takes_only_what_is_of_the_same_kind(name: str, scene: Scene, tmp_path: Path) -> None:
    ending = {"export out": ".mp4", "export contact_sheet": ".png"}[name]
    for file in (f"identity{ending}", f"film{ending}", "identity.txt"):
        (tmp_path / file).write_bytes(PRECIOUS)
    (tmp_path / f"link{ending}").symlink_to(tmp_path / "identity.txt")
    for folder in ("folder", f"folder{ending}"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "identity.txt").write_bytes(PRECIOUS)
    before = everything(tmp_path)
    for taken in sorted(tmp_path.iterdir()):
        honoured = taken.suffix == ending or (name, taken.name) == ("export out", "folder")
        assert run([*WRITTEN[name](scene, taken), "--overwrite"]) == (73 if honoured else 2), taken
    assert everything(tmp_path) == before


@only_in_full
def test_overwrite_takes_no_package_that_holds_something_else(scene: Scene, tmp_path: Path) -> None:
    package = tmp_path / "case"
    assert run([*exported(scene), "--out", package]) == 0
    assert run([*exported(scene), "--out", package, "--overwrite"]) == 0
    (package / "identity.txt").write_bytes(PRECIOUS)
    before = everything(tmp_path)
    assert run([*exported(scene), "--out", package, "--overwrite"]) == 73
    assert everything(tmp_path) == before


@only_in_full
@pytest.mark.parametrize("umask", [0, 0o077])
@pytest.mark.parametrize("name", WRITTEN)
def test_only_this_user_reads_what_is_written(name: str, umask: int, scene: Scene, tmp_path: Path) -> None:
    to = tmp_path / f"new{ENDINGS.get(name, '')}"
    if name == "transparency out":
        to.mkdir(mode=0o700)
    earlier = os.umask(umask)
    try:
        assert run(WRITTEN[name](scene, to)) == 0
    finally:
        os.umask(earlier)
    made = list(tmp_path.rglob("*"))
    assert made
    assert {path.name: stat.filemode(path.stat().st_mode) for path in made} == {
        path.name: "drwx------" if path.is_dir() else "-rw-------" for path in made
    }


def everything(folder: Path) -> dict[str, bytes | str]:
    return {
        str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }
