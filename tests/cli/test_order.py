"""`bodycamd order`: what a person signs is shown first and is what a camera takes; what no camera would take is not signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from bodycamd.camera.daemon.protocol import MAX_PART_BYTES, Deliver
from bodycamd.cli import fleet_option, order
from bodycamd.cli.main import main
from bodycamd.evidence import orders
from bodycamd.evidence.order_acceptance import judge_order
from bodycamd.evidence.orders import Configuration, EndForward, Hold, SignedOrder, StandingForward
from bodycamd.evidence.statements import wall_text
from tests.evidence.ordering import HERE, IN_FORCE, ordered
from tests.evidence.ordering import HOLD as ORDER
from tests.evidence.rostering import NOW, NOW_US, key, recipient
from tests.kit.scale import one_in, only_in_full

HOLD = ["--ground", "complaint", "--reference", "Z-2026/00123", "--review-on", "2026-09-01"]


BASE = ["--base", "cd" * 32]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Roster, sealed keys, a passphrase, and the time of the roster."""
    (tmp_path / "roster").write_bytes(IN_FORCE.document.file_bytes)
    (tmp_path / "passphrase").write_text("correct horse\n")
    for name in ("E-01", "E-02", "P-01", "C-01", "T-01"):
        private = key(name)._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"correct horse"))
        (tmp_path / f"{name}.pem").write_bytes(private)
        (tmp_path / f"{name}.pem").chmod(0o600)
    monkeypatch.setattr(fleet_option, "now_us", lambda: NOW_US)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sign(*words: str, person: str = "E-01", by: str = "", out: str = "out.order") -> int:
    who = ["--person", person, "--key", f"{by or person}.pem", "--roster", "roster", "--passphrase-file", "passphrase", "--out", out]
    return main(["order", "sign", *words, *who])


def written(file: str = "out.order") -> SignedOrder:
    return orders.decode(Path(file).read_bytes(), file)


def taken(file: str = "out.order") -> str:
    return judge_order(written(file), IN_FORCE, HERE, NOW, done={}).outcome


def test_a_hold_is_shown_signed_and_taken(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("hold", "--recording", "000042-0001", "--camera", "HV-01", *HOLD) == 0
    told = capsys.readouterr()
    for word in ("HV-01", "000042-0001", "complaint", "Z-2026/00123", "2026-09-01", "E-01", "never", "alphen-aan-den-rijn"):
        assert word in told.err
    assert told.out == f"out.order: order {written().id}\n"
    assert taken() == "accepted"
    assert sign("hold", "--recording", "000042-0001", "--camera", "HV-01", *HOLD) == 73, "nothing is overwritten"


@only_in_full
def test_an_interval_is_local_time_and_the_hour_that_comes_twice_counts_twice(desk: Path) -> None:
    wanted = ["hold", "--camera", "HV-01", "--camera", "IN-01", *HOLD, "--since", "2025-10-26T02:15", "--until", "2025-10-26T02:45"]
    assert sign(*wanted) == 0
    body = written().order.body
    assert isinstance(body, Hold)
    assert body.interval is not None
    assert (body.interval.since, body.interval.until) == ("2025-10-26T00:15:00.000000Z", "2025-10-26T01:45:00.000000Z")
    assert taken() == "accepted"


@only_in_full
def test_a_release_needs_the_second_person(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("release", "ab" * 32, "--camera", "HV-01", "--reason", "settled", "--second", "P-01") == 0
    assert "P-01 must sign it too" in capsys.readouterr().err
    assert taken() == "not_signed"
    assert main(["order", "show", "out.order", "--roster", "roster"]) == 0
    assert "not signed by P-01" in capsys.readouterr().out
    with_key = ["--roster", "roster", "--passphrase-file", "passphrase"]
    assert main(["order", "cosign", "out.order", "--key", "E-02.pem", *with_key]) == 77
    assert main(["order", "cosign", "out.order", "--key", "P-01.pem", *with_key]) == 0
    told = capsys.readouterr()
    assert "ab" * 32 in told.err
    assert taken() == "accepted"
    assert main(["order", "show", "out.order", "--roster", "roster", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["id"], shown["missing"], shown["order"]["body"]["reason"]) == (written().id, [], "settled")


@only_in_full
@one_in(5)
@pytest.mark.parametrize(
    ("words", "person", "by", "code", "said"),
    [
        (["hold", "--camera", "HV-01", "--recording", "1", *HOLD], "E-01", "", 2, "no camera would take this order"),
        (["hold", "--camera", "HV-01", *HOLD], "E-01", "", 2, "either --recording, or --since and --until"),
        (["hold", "--camera", "HV-01", "--since", "2026-03-08T20:00", *HOLD], "E-01", "", 2, "needs both"),
        (["hold", "--camera", "HV-01", "--since", "monday", "--until", "2026-03-08", *HOLD], "E-01", "", 2, "is not a time"),
        (["hold", "--camera", "HV-99", "--recording", "000042-0001", *HOLD], "E-01", "", 77, "HV-99 is not in the roster"),
        (["hold", "--camera", "HV-01", "--recording", "000042-0001", *HOLD], "E-01", "E-02", 77, "this key is not E-01's"),
        (["hold", "--camera", "HV-01", "--recording", "000042-0001", *HOLD], "P-01", "", 77, "a hold order needs evidence"),
        (["hold", "--camera", "HV-01", "--recording", "000042-0001", *HOLD], "X-01", "E-01", 77, "X-01 is not in the roster"),
        (["release", "ab" * 32, "--camera", "HV-01", "--reason", "settled", "--second", "E-02"], "E-01", "", 77, "evidence and privacy"),
        (["release", "it", "--camera", "HV-01", "--reason", "settled", "--second", "P-01"], "E-01", "", 2, "no camera would take"),
        (["release", "ab" * 32, "--camera", "HV-01", "--reason", "done", "--second", "P-01"], "E-01", "", 2, "--reason"),
        (["shift", "begin", "--camera", "IN-01", "--officer", "H-12"], "C-01", "", 77, "C-01 is not of team inspectie"),
        (["configuration", "reminder_seconds=60", "--camera", "HV-01", *BASE], "E-01", "", 77, "needs technician"),
        (
            ["configuration", "keys.recipients=x", "--camera", "HV-01", *BASE],
            "T-01",
            "",
            2,
            "keys.recipients is not changed by an order",
        ),
        (["configuration", "reminder_seconds=1e9", "--camera", "HV-01", *BASE], "T-01", "", 2, "reminder_seconds"),
        (["configuration", "gestures.stop=no", "--camera", "HV-01", *BASE], "T-01", "", 2, "gestures.stop"),
        (["configuration", "reminder_seconds", "--camera", "HV-01", *BASE], "T-01", "", 2, "KEY=VALUE"),
        (["configuration", "timezone=x\ny: 1", "--camera", "HV-01", *BASE], "T-01", "", 2, "timezone"),
        (["configuration", "reminder_seconds=60", "--camera", "HV-01", "--base", "it"], "T-01", "", 2, "no camera would take"),
        (["update", "ef" * 32, "--camera", "HV-01"], "C-01", "", 77, "needs technician"),
        (["update", "0.3.0", "--camera", "HV-01"], "T-01", "", 2, "no camera would take"),
        (["shift", "begin", "--camera", "HV-01", "--officer", "Jansen"], "C-01", "", 2, "pseudonym"),
    ],
)
def test_what_no_camera_would_take_is_not_signed(
    desk: Path, capsys: pytest.CaptureFixture[str], words: list[str], person: str, by: str, code: int, said: str
) -> None:
    assert sign(*words, person=person, by=by) == code
    assert said in capsys.readouterr().err
    assert not Path("out.order").exists()


def test_settings_are_signed_as_the_configuration_writes_them(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["gestures.hold_seconds=2.5", "timezone=Europe/Brussels", "reminder_seconds=60"]
    assert sign("configuration", *words, "--camera", "HV-01", *BASE, person="T-01") == 0
    assert "Europe/Brussels" in capsys.readouterr().err
    body = written().order.body
    assert isinstance(body, Configuration)
    assert [*body.changes.values()] == [2.5, 60, "Europe/Brussels"]
    assert taken() == "accepted"


def test_an_update_is_signed_and_taken_for_cameras(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("update", "ef" * 32, "--camera", "HV-01", "--camera", "IN-01", person="T-01") == 0
    assert "ef" * 32 in capsys.readouterr().err
    assert taken() == "accepted"


def test_a_shift_is_signed_and_taken(desk: Path) -> None:
    assert sign("shift", "end", "--camera", "HV-01", "--officer", "H-12", person="C-01") == 0
    assert taken() == "accepted"


@only_in_full
def test_what_is_delivered_is_the_file_and_what_came_of_it_is_told(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a").write_bytes(ordered(ORDER).document.file_bytes)
    Path("b").write_bytes(b"x" * (MAX_PART_BYTES + 1))
    asked: list[Deliver] = []

    def ask(socket: Path, request: Deliver, kind: type[object]) -> object:
        asked.append(request)
        return kind(id="1", outcome="held" if len(asked) != 3 else "older", done=len(asked) != 3, why="" if len(asked) != 3 else "so")  # type: ignore[call-arg]

    monkeypatch.setattr("bodycamd.cli.daemon_or_store.ask", ask)
    monkeypatch.setattr(order, "PAUSE_SECONDS", 0)
    assert main(["order", "deliver", "a", "--socket", "s"]) == 0
    assert capsys.readouterr().out == "a: held\n"
    assert main(["order", "deliver", "b", "--socket", "s"]) == 77
    told = capsys.readouterr()
    assert (told.out, told.err) == ("b: older: so\n", "bodycamd: b: not carried out; nothing of it is used up\n")
    assert asked[0].document == Path("a").read_bytes()
    assert [(part.offset, part.size) for part in asked] == [(0, None), (0, MAX_PART_BYTES + 1), (MAX_PART_BYTES, MAX_PART_BYTES + 1)]
    assert b"".join(part.document for part in asked[1:]) == Path("b").read_bytes()


STANDING = [
    "forward",
    "--recipient",
    recipient("meldkamer"),
    "--receiver",
    "meldkamer",
    "--camera",
    "HV-01",
    "--camera",
    "IN-01",
    *HOLD[:4],
]


def test_a_standing_order_to_forward_is_shown_signed_and_ended(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign(*STANDING) == 0
    told = capsys.readouterr().err
    for word in ("by itself", recipient("meldkamer"), "HV-01, IN-01", "what the station has already", "complaint", "Z-2026/00123"):
        assert word in told
    order = written().order
    assert isinstance(order.body, StandingForward)
    assert (order.not_after, taken()) == (wall_text(NOW_US + 90 * 86_400_000_000), "accepted")
    assert sign("end-forward", written().id, "--camera", "HV-01", person="P-01", out="end.order") == 0
    assert f"by standing order {written().id}" in capsys.readouterr().err
    assert written("end.order").order.body == EndForward(order=written().id)
    assert taken("end.order") == "accepted"
    assert sign(*STANDING, "--since", "2026-03-09T10:00", "--until", "2026-03-12T10:00", out="within.order") == 0
    assert "recorded from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([*STANDING, "--recording", "000042-0001"], 2),
        ([word for word in STANDING if word not in ("--recipient", recipient("meldkamer"))], 2),
        ([*STANDING, "--days", "91"], 2),
        ([*STANDING, "--since", "2026-03-09T10:00"], 2),
        (["forward", "--recipient", "age1nobody", *STANDING[3:]], 2),
        (["end-forward", "nothing", "--camera", "HV-01"], 2),
    ],
)
def test_a_standing_order_that_no_station_would_take_is_not_signed(desk: Path, words: list[str], code: int) -> None:
    assert sign(*words) == code
    assert not Path("out.order").exists()


def test_how_long_footage_is_kept_no_order_changes(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sign("configuration", "retention.days=14", "--camera", "HV-01", *BASE, person="T-01") == 2
    assert "at the camera" in capsys.readouterr().err
    assert not Path("out.order").exists()
