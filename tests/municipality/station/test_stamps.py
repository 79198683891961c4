"""The log is stamped by an authority: openssl makes the stamps and verifies them, and what is no stamp over the log is never kept."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.cli.main import main
from bodycamd.errors import BodycamError, ConfigError, DataError, StorageError
from bodycamd.evidence import receipts
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.stamping import Stamping, kept_stamps
from bodycamd.municipality.station.stamps import MAX_STAMP_BYTES, Stamp, ask, is_due, stamped_at_us
from bodycamd.municipality.station.timestamp_authority import TimestampAuthority, load_roots
from tests.kit.scale import count, only_in_full
from tests.municipality.station.authority import Authority, openssl
from tests.municipality.station.life import DAY_US, STATION_KEY
from tests.municipality.station.prepared import Prepared, stop


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "own")


@pytest.fixture
def authority(made: Authority) -> Iterator[Authority]:
    made.status, made.answer = 200, made.reply
    made.asked.clear()
    with made.listening():
        yield made


class Stamped:
    """A log, and who stamps it."""

    def __init__(self, root: Path, authority: Authority) -> None:
        self.storage = FolderStorage(root)
        self.index = Index.open(f"sqlite:///{root}/index.sqlite")
        self.authority = authority
        self.roots = load_roots(authority.ca)
        self.again()

    def again(self) -> None:
        self.stamping = Stamping(TimestampAuthority(self.authority.url, timeout_seconds=5), self.roots, self.index, self.storage)

    def grow(self) -> None:
        now_us = time.time_ns() // 1000
        self.index.sign_receipt("station-1", "cam-7", "ab" * 32, None, now_us, now_us, lambda one: receipts.sign(one, STATION_KEY))

    def run(self, days: float = 0) -> Stamp | None:
        return self.stamping.run(time.time_ns() // 1000 + round(days * DAY_US))


@pytest.fixture
def log(tmp_path: Path, authority: Authority) -> Iterator[Stamped]:
    found = Stamped(tmp_path, authority)
    yield found
    found.index.close()


def test_once_a_day_where_it_has_grown(log: Stamped) -> None:
    assert log.run() is None  # nothing to stamp
    log.grow()
    first = log.run()
    assert first is not None
    assert first.n == 1
    assert abs(first.at_us - time.time_ns() // 1000) < 60_000_000
    log.grow()
    assert log.run() is None
    log.again()  # the station starts anew
    assert log.run(0.9) is None
    second = log.run(1.1)
    assert second is not None
    assert second.n == 2
    assert log.run(2.2) is None or log.index.newest_audit_line()[0] > 2  # type: ignore[index]
    assert [(one.n, one.problem) for one in kept_stamps(log.storage, log.roots)] == [(1, ""), (2, "")]
    assert len(log.authority.asked) == 2


def test_stock_tools_verify_it(log: Stamped, tmp_path: Path) -> None:
    """As docs/format.md says: the head is the SHA-256 of the line, and openssl holds the stamp against it."""
    log.grow()
    log.grow()
    assert log.run() is not None
    (file,) = (tmp_path / "stamps").iterdir()
    n = int(file.name.partition("-")[0])
    command = f"cat {tmp_path}/audit/*.jsonl | grep -m 1 '\"n\":{n},' | tr -d '\\n' | sha256sum | cut -d ' ' -f 1"
    head = subprocess.run(["sh", "-c", command], check=True, capture_output=True, text=True).stdout.strip()
    assert head == audit.head_of(log.index.audit_lines()[n - 1])
    told = openssl("ts", "-verify", "-digest", head, "-in", file, "-CAfile", log.authority.ca)
    assert "Verification: OK" in told.stdout + told.stderr
    with pytest.raises(subprocess.CalledProcessError):
        openssl("ts", "-verify", "-digest", "00" * 32, "-in", file, "-CAfile", log.authority.ca)


def wrong_answers(authority: Authority, other: Authority) -> dict[str, tuple[object, str]]:
    another = ask(b"another line")
    return {
        "nothing": (lambda _: b"", "no stamp"),
        "no DER": (lambda _: b"<html>", "no stamp"),
        "over another line": (lambda _: authority.reply(another.raw), "no stamp"),
        "for an earlier request": (lambda _: authority.reply(authority.asked[0]), "Nonce mismatch"),
        "by another authority": (other.reply, "no stamp"),
        "a refusal": (lambda _: authority.reply(b"\x30\x03\x02\x01\x01"), "refuses"),
        "changed": (lambda request: flipped(authority.reply(request), -10), "no stamp"),
        "endless": (lambda _: b"0" * (MAX_STAMP_BYTES + 1), "more than"),
    }


def flipped(raw: bytes, at: int) -> bytes:
    changed = bytearray(raw)
    changed[at] ^= 1
    return bytes(changed)


def test_what_is_no_stamp_over_the_log_is_not_kept_and_comes_another_time(log: Stamped, tmp_path: Path) -> None:
    log.grow()
    other = Authority(tmp_path / "other")
    log.authority.asked.append(ask(log.index.audit_lines()[0]).raw)
    wrong = wrong_answers(log.authority, other)
    for number, (what, (answer, word)) in enumerate(wrong.items(), 1):
        log.authority.answer = answer  # type: ignore[assignment]
        with pytest.raises(BodycamError, match=word):
            log.run()
        assert log.stamping.failures == number, what
    log.authority.status = 500
    with pytest.raises(StorageError, match="answers 500"):
        log.run()
    assert not (tmp_path / "stamps").exists()
    log.authority.status, log.authority.answer = 200, log.authority.reply
    assert log.run() is not None
    assert log.stamping.failures == len(wrong) + 1


def test_nobody_there_and_nobody_who_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StorageError, match="cannot be asked"):
            TimestampAuthority(f"http://127.0.0.1:{port}", timeout_seconds=0.2)(b"x")
    with pytest.raises(StorageError, match="cannot be asked"):
        TimestampAuthority(f"http://127.0.0.1:{port}", timeout_seconds=0.2)(b"x")


def test_who_drips_headers_holds_nobody_for_long() -> None:
    """Each byte comes in time, and all of them never."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not over.wait(0.1):
                    connection.sendall(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        begun = time.monotonic()
        with pytest.raises(StorageError, match="cannot be asked"):
            TimestampAuthority(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_seconds=0.5)(b"x")
        over.set()
        thread.join()
        assert time.monotonic() - begun < 20


def test_stamps_that_do_not_go_with_the_log_are_told(log: Stamped, tmp_path: Path) -> None:
    log.grow()
    log.grow()
    assert log.run() is not None
    (file,) = (tmp_path / "stamps").iterdir()
    raw = file.read_bytes()
    log.storage.put_stamp(1, raw)
    log.storage.put_stamp(9, raw)
    found = {one.n: one.problem for one in kept_stamps(log.storage, log.roots)}
    assert found[2] == ""
    assert "no stamp over" in found[1]
    assert found[9] == "the log has no such line"
    assert kept_stamps(log.storage, load_roots(Authority(tmp_path / "other").ca))[1].at_us is None


@pytest.fixture(scope="module")
def stamp(made: Authority) -> tuple[bytes, str, int]:
    asked = ask(b"a line of the log")
    return made.reply(asked.raw), asked.head, asked.nonce


@settings(max_examples=count(2000))
@given(data=st.data())
def test_no_answer_whatsoever_is_believed_or_ends_the_process(stamp: tuple[bytes, str, int], made: Authority, data: st.DataObject) -> None:
    """A byte changed, bytes cut out or put in: refused, or (where the byte is of no account) the same time."""
    raw, head, nonce = stamp
    roots = load_roots(made.ca)
    time_us = stamped_at_us(raw, head, roots, nonce)
    at = data.draw(st.integers(0, len(raw) - 1))
    kind = data.draw(st.sampled_from(["change", "cut", "put", "shorten"]))
    by = data.draw(st.binary(min_size=1, max_size=8))
    changed = {
        "change": raw[:at] + by + raw[at + len(by) :],
        "cut": raw[:at] + raw[at + len(by) :],
        "put": raw[:at] + by + raw[at:],
        "shorten": raw[:at],
    }[kind]
    try:
        assert stamped_at_us(changed, head, roots, nonce) == time_us
    except DataError:
        return


def test_when_it_is_due() -> None:
    last = Stamp(5, "ab", 10 * DAY_US)
    assert not is_due(None, 0, DAY_US)
    assert is_due(None, 1, DAY_US)
    assert not is_due(last, 6, 11 * DAY_US - 1)
    assert is_due(last, 6, 11 * DAY_US)
    assert not is_due(last, 5, 20 * DAY_US)
    assert is_due(replace(last, at_us=30 * DAY_US), 6, 20 * DAY_US)


@only_in_full
def test_a_station_has_its_log_stamped_and_says_so(prepared: Prepared, authority: Authority, capsys: pytest.CaptureFixture[str]) -> None:
    """By its process; the command lists what there is, and ends with 65 where one is none."""
    assert main(["station", "stamps", str(prepared.file)]) == 78
    assert "timestamp_authority" in capsys.readouterr().err
    prepared.file.write_text(prepared.file.read_text() + f"timestamp_authority: {{url: {authority.url!r}, ca: {authority.ca}}}\n")
    assert main(["station", "stamps", str(prepared.file)]) == 0
    assert capsys.readouterr().out == "the log has not been stamped yet\n"
    assert main(["station", "order", str(prepared.order()), str(prepared.file)]) == 0
    process = prepared.start()
    deadline = time.monotonic() + 30
    while not list((prepared.folder / "data").glob("stamps/*.tsr")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stop(process) == 0
    capsys.readouterr()
    assert main(["station", "stamps", str(prepared.file)]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split()[-1] == "verifies"
    (file,) = (prepared.folder / "data" / "stamps").iterdir()
    file.rename(file.with_name(f"000000009-{file.name.partition('-')[2]}"))
    assert main(["station", "stamps", str(prepared.file), "--json"]) == 65
    assert '"problem": "the log has no such line"' in capsys.readouterr().out.replace('":"', '": "')


def test_certificates_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    for file in (tmp_path / "ca.pem", tmp_path / "none.pem"):
        with pytest.raises(ConfigError, match=r"timestamp_authority\.ca"):
            load_roots(file)
