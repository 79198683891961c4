"""The station's key for pushes, and the configuration that names it."""

from __future__ import annotations

from pathlib import Path

import jwt
import pytest
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.errors import ConfigError, StorageError
from bodycamd.linux.unnamed import UnnamedFile
from bodycamd.municipality.station import push_key
from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.help_index import HelpIndex
from bodycamd.municipality.station.opening import push_of
from bodycamd.municipality.station.station_file import judge_station


def test_a_key_is_made_once_and_printed_for_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["station", "push-key", str(tmp_path), "--name", "station-2"]
    assert main(words) == 0
    public = capsys.readouterr().out.splitlines()[-1]
    file = tmp_path / "station-2.push.key"
    before = file.read_bytes()
    assert (file.stat().st_mode & 0o777, push_key.load(file).public) == (0o600, public)
    assert len(jwt.utils.base64url_decode(public)) == 65
    assert main(words) == 0
    assert (capsys.readouterr().out.splitlines()[-1], file.read_bytes()) == (public, before), "one that is there is never replaced"
    file.write_text("junk")
    assert main(words) == 78
    assert file.read_text() == "junk"
    assert main(["station", "push-key", str(tmp_path / "nowhere")]) == 74


def test_a_disk_that_is_full_leaves_no_half_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: UnnamedFile) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "station-1.push.key"
    with monkeypatch.context() as patch:
        patch.setattr(UnnamedFile, "sync", full)
        with pytest.raises(StorageError, match="No space left"):
            push_key.make(file)
    assert list(tmp_path.iterdir()) == []
    assert push_key.make(file)[1], "the next try makes it"


STATION = "name: s\nauthority: s.example\ndata: /d\nkeys: {signing: /s, root: /r, roster: /o}\nhelp:\n"
PUSH = "  push: {key: /k, contact: 'mailto:a@example.nl', subscriptions: /p}\n"
BOTH = '  to: ["push:C-01", "push:C-02"]\n'


@pytest.mark.parametrize(
    ("help", "where"),
    [
        (BOTH, "help.push"),
        (PUSH + '  to: ["+31600000001", "+31600000002"]\n', "help.command"),
        (PUSH + '  command: [/bin/x, "{to}"]\n  to: ["+31600000001", "+31600000002"]\n', "help.push"),
        (PUSH + '  command: [/bin/x, "{to}"]\n' + BOTH, "help.command"),
        (PUSH + '  to: ["push:C-01", "push:C-01"]\n', "help.to"),
        (PUSH + '  to: ["push:C-01", "push:jan"]\n', "help.to"),
        (PUSH + '  to: ["push:C-01", "push:../C-02"]\n', "help.to"),
        (PUSH.replace("mailto:a@example.nl", "beheer"), "help.push.contact"),
        (PUSH.replace("/p}", "/p, networks: [10.2.0.9/16]}") + BOTH, "help.push.networks"),
        (PUSH.replace("/p}", "/p, test: jan}") + BOTH, "help.push.test"),
        (PUSH.replace("key: /k, ", "") + BOTH, "help.push.key"),
    ],
)
def test_a_configuration_that_would_reach_nobody(help: str, where: str) -> None:
    settings, problems = judge_station((STATION + help).encode())
    assert settings is None
    assert any(problem.key.startswith(where) for problem in problems), problems


def test_pushes_as_they_should_be(tmp_path: Path) -> None:
    settings, problems = judge_station((STATION + PUSH + BOTH).encode())
    assert problems == []
    assert settings is not None
    assert settings.help is not None
    assert settings.help.push is not None
    database = Database.open(f"sqlite:///{tmp_path}/index.sqlite")
    with pytest.raises(ConfigError, match=r"help\.push\.key"):
        push_of(settings.help, HelpIndex(database), lambda person: True)
    push_key.make(tmp_path / "k")
    made = replace(settings.help, push=replace(settings.help.push, key=str(tmp_path / "k")))
    assert push_of(made, HelpIndex(database), lambda person: True) is not None
    assert push_of(replace(made, push=None), HelpIndex(database), lambda person: True) is None
    database.close()
