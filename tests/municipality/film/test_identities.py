"""Identity files as people have them: sealed with a passphrase, of a plugin, with comments, from Windows."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path

import pyrage
import pytest

from bodycamd.cli import asked
from bodycamd.cli.main import main
from bodycamd.errors import DataError, PermissionDeniedError, UnavailableError
from bodycamd.municipality.film.identities import Identities
from tests.kit import age_plugin, stock_tools
from tests.kit.age_files import sealed_with_passphrase
from tests.kit.scale import only_in_full

PASSPHRASE = "vier blauwe fietsen ü"


class Officer:
    """Answers what is asked, and remembers it."""

    def __init__(self, *passphrases: str) -> None:
        self._passphrases = list(passphrases)
        self.heard: list[str] = []

    def passphrase(self, of: str) -> str:
        self.heard.append(of)
        return self._passphrases.pop(0)

    def answer(self, question: str) -> str:
        raise AssertionError(question)

    def agree(self, question: str) -> bool:
        raise AssertionError(question)

    def tell(self, message: str) -> None:
        self.heard.append(message)


@pytest.fixture
def key() -> pyrage.x25519.Identity:
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    return tmp_path / "identity.txt"


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = age_plugin.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")
    return path


def test_comments_are_in_any_language(identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_text(f"# sleutel van Zoë — niet kopiëren ✋\n\n  {key}  \n", encoding="utf-8")
    sealed = pyrage.encrypt(b"footage", [key.to_public()])
    assert Identities.load(identity).open(sealed, "here") == b"footage"


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-8-sig", r"byte order mark \(BOM\)"), ("utf-16", "UTF-16"), ("utf-16-be", "UTF-16"), ("latin-1", "line 2: not UTF-8")],
)
def test_what_an_editor_made_of_it_is_named(encoding: str, told: str, identity: Path, key: pyrage.x25519.Identity) -> None:
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    identity.write_bytes(f"{mark}# key\n# Zoë\n{key}\n".encode(encoding))
    with pytest.raises(DataError, match=told) as caught:
        Identities.load(identity)
    assert str(key) not in str(caught.value)


@pytest.mark.parametrize("armored", [False, True])
def test_one_that_is_sealed_is_asked_for(armored: bool, identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_bytes(sealed_with_passphrase(f"# mine: Zoë\n{key}\n".encode(), PASSPHRASE, armored=armored))
    officer = Officer(PASSPHRASE)
    sealed = pyrage.encrypt(b"footage", [key.to_public()])
    assert Identities.load(identity, officer).open(sealed, "here") == b"footage"
    assert officer.heard == [str(identity)]
    with pytest.raises(PermissionDeniedError, match="this is not its passphrase"):
        Identities.load(identity, Officer("four blue bicycles"))
    with pytest.raises(DataError, match="nobody can be asked"):
        Identities.load(identity)


def test_one_whose_passphrase_costs_too_much_is_not_called_damaged(identity: Path, key: pyrage.x25519.Identity) -> None:
    content = sealed_with_passphrase(f"{key}\n".encode(), PASSPHRASE)
    identity.write_bytes(re.sub(rb"(?m)^(-> scrypt \S+) \d+$", rb"\1 40", content))
    with pytest.raises(DataError, match=r"work factor of its passphrase is too high.*seal it anew with age -p") as caught:
        Identities.load(identity, Officer(PASSPHRASE))
    assert "damaged" not in str(caught.value)


def test_one_that_is_sealed_to_another_key(identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_bytes(pyrage.encrypt(f"{key}\n".encode(), [pyrage.x25519.Identity.generate().to_public()]))
    with pytest.raises(DataError, match="itself encrypted, and not with a passphrase"):
        Identities.load(identity, Officer(PASSPHRASE))


@only_in_full
def test_a_plugin_opens_footage_as_age_does(identity: Path, key: pyrage.x25519.Identity, plugin: Path) -> None:
    """Whatever the plugin is: `age` itself is the judge of the one that is used here."""
    identity.write_text(f"# on the smartcard\n{age_plugin.identity_of(str(key))}\n")
    sealed = pyrage.encrypt(b"footage", [key.to_public()])
    assert subprocess.run(["age", "-d", "-i", identity], input=sealed, capture_output=True, check=True, timeout=60).stdout == b"footage"
    officer = Officer()
    opened = Identities.load(identity, officer)
    assert opened.open(sealed, "here") == b"footage"
    assert officer.heard == [age_plugin.TOLD]
    other = pyrage.encrypt(b"footage", [pyrage.x25519.Identity.generate().to_public()])
    with pytest.raises(PermissionDeniedError, match="not sealed to the identity"):
        opened.open(other, "here")


def test_a_plugin_that_is_not_installed_is_named(identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_text(age_plugin.identity_of(str(key), "absent"))
    with pytest.raises(UnavailableError, match="needs the program age-plugin-absent, which is not on the PATH"):
        Identities.load(identity)
    identity.write_text("AGE-PLUGIN-TINY-1QQQ\n")
    with pytest.raises(DataError, match="line 1: not an age identity of a plugin") as caught:
        Identities.load(identity)
    assert "QQQ" not in str(caught.value)


class Sulking(Officer):
    """Cannot be asked: every answer is an error."""

    def tell(self, message: str) -> None:
        raise UnavailableError("nobody is here")


def test_an_error_while_the_plugin_asks_ends_nothing(identity: Path, key: pyrage.x25519.Identity, plugin: Path) -> None:
    """The library would panic."""
    identity.write_text(age_plugin.identity_of(str(key)))
    sealed = pyrage.encrypt(b"footage", [key.to_public()])
    assert Identities.load(identity, Sulking()).open(sealed, "here") == b"footage"


def line(identity: Path, recording: str = "000001-0001") -> list[str]:
    """An export of a recording that is there, to a folder that is not: that is looked at next."""
    store = identity.parent / "store"
    for folder in ("recordings/000001-0001", "ledger"):
        (store / folder).mkdir(parents=True, exist_ok=True)
    return ["export", recording, "--store", str(store), "--identity", str(identity), "--out", "/nowhere/film.mp4"]


def handed_over(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    monkeypatch.setenv(asked.VARIABLE, str(reading))


@only_in_full
def test_a_script_hands_it_over_by_descriptor(
    identity: Path, key: pyrage.x25519.Identity, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    identity.write_bytes(sealed_with_passphrase(f"{key}\n".encode(), PASSPHRASE))
    for content, code, told in [
        (f"{PASSPHRASE}\nand more".encode(), 73, "/nowhere"),
        (PASSPHRASE.encode(), 73, "/nowhere"),
        (b"wrong\n", 77, "this is not its passphrase"),
        (b"", 2, "a line of 1 to 1024 bytes is needed"),
        (b"\xff\n", 2, "UTF-8"),
        (b"x" * 2000, 2, "a line of 1 to 1024 bytes is needed"),
    ]:
        handed_over(monkeypatch, content)
        assert main(line(identity)) == code, content
        said = capsys.readouterr().err
        assert told in said
        assert said.count("\n") == 1
        assert PASSPHRASE not in said
    for named, code in (("stdin", 2), ("9999", 74), ("-1", 74), ("9" * 30, 2)):
        monkeypatch.setenv(asked.VARIABLE, named)
        assert main(line(identity)) == code, named
        assert capsys.readouterr().err.count("\n") == 1
    (file := identity.with_name("passphrase")).write_text(f"{PASSPHRASE}\n")
    assert main([*line(identity), "--passphrase-file", str(file)]) == 73, "it beats the descriptor"


def test_with_nobody_to_ask_it_says_how(identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_bytes(sealed_with_passphrase(f"{key}\n".encode(), PASSPHRASE))
    assert main(line(identity, "000001-0002")) == 66, "a recording that is not there is told before anybody is asked"
    command = [sys.executable, "-m", "bodycamd.cli.main", *line(identity)]
    run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, start_new_session=True)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "there is no terminal to ask on; hand it over with --passphrase-file or BODYCAMD_PASSPHRASE_FD" in run.stderr


TYPED = [
    (PASSPHRASE.encode() + b"\n", 73, b"/nowhere"),
    (b"Zo\xeb\n", 2, b"what was typed is not UTF-8"),
    *(pytest.param(*more, marks=only_in_full) for more in ((b"wrong\n", 77, b"passphrase"), (b"\x03", 130, b""), (b"\x04", 2, b"nothing"))),
]


@only_in_full
@pytest.mark.parametrize(("typed", "code", "told"), TYPED)
def test_on_a_terminal_it_is_typed_and_not_shown(typed: bytes, code: int, told: bytes, identity: Path, key: pyrage.x25519.Identity) -> None:
    identity.write_bytes(sealed_with_passphrase(f"{key}\n".encode(), PASSPHRASE))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-m", "bodycamd.cli.main", *line(identity)])
    late = threading.Timer(60, os.kill, (pid, 9))
    late.start()
    printed = b""
    try:
        while chunk := os.read(terminal, 4096):
            printed += chunk
            if printed.endswith(b".txt: ") and typed:
                os.write(terminal, typed)
                typed = b""
    except OSError:
        pass  # the child has ended
    finally:
        late.cancel()
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code, printed
    assert PASSPHRASE.encode() not in printed
    assert told in printed
    assert b"Traceback" not in printed


@only_in_full
def test_a_new_identity_can_be_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    handed_over(monkeypatch, PASSPHRASE.encode() + b"\n")
    assert main(["keys", "new", "--out", str(tmp_path / "i.age"), "--passphrase"]) == 0
    recipient = capsys.readouterr().out.strip()
    assert b"AGE-SECRET-KEY" not in (tmp_path / "i.age").read_bytes()
    sealed = stock_tools.run("age", "-r", recipient, data=b"footage")
    assert Identities.load(tmp_path / "i.age", Officer(PASSPHRASE)).open(sealed, "here") == b"footage"
