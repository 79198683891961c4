"""A call for help, the whole way: a real recorder, its uplink and a station; what the hand feels is told by the simulated motor."""

from __future__ import annotations

import time

import pytest
from msgspec.structs import replace

from bodycamd.camera.daemon.client import ControlClient
from bodycamd.camera.daemon.protocol import Deliver
from bodycamd.camera.keeping.delivered import Delivered
from bodycamd.evidence.keys import PublicKey
from bodycamd.evidence.orders import Answer
from bodycamd.linux.clock import boottime_us
from bodycamd.municipality.verify.verify import verify
from bodycamd.workshop.simulation.officer_view import SETTLING_US, haptic_lines
from tests.evidence.ordering import ANSWER, ordered
from tests.evidence.rostering import key, raw, signed
from tests.kit.scale import only_in_full
from tests.kit.waiting import wait_for
from tests.municipality.station.conftest import HELP, Station
from tests.system.test_orders import now
from tests.system.test_uplink import SendingCamera, pair  # noqa: F401 - a fixture

SENT, NOT_SENT = "four pulses, long short short short", "four pulses, short short long long"
ANSWERED = "four pulses, long short long short"
MESSAGE_KEY = key("test-1 message_key")


@pytest.fixture
def calling(pair: tuple[SendingCamera, Station]) -> tuple[SendingCamera, Station]:  # noqa: F811
    at, station = pair
    with at.config.open("a", encoding="utf-8") as config:
        config.write("\nhelp_call: true\n")
    (at.device / "enrolment").mkdir()
    (at.device / "enrolment" / "message.key").write_bytes(MESSAGE_KEY.file_bytes())
    [camera] = station.roster.roster.cameras
    people = tuple(replace(one, teams=()) if one.id == "C-01" else one for one in station.roster.roster.people)
    station.roster = signed(
        replace(station.roster.roster, cameras=(replace(camera, message_key=raw("test-1 message_key")),), people=people)
    )
    (at.device / "roster.txt").write_bytes(station.roster.document.file_bytes)
    station.now = int(time.time())
    return at, station


def felt(at: SendingCamera) -> list[str]:
    """The words of the motor that are over, as a hand tells them."""
    changes = [(line["at_us"], line["on"]) for line in at.timeline("haptic")]
    now_us = boottime_us()
    return [line.text.removeprefix("vibrates: ") for line in haptic_lines(changes, now_us) if line.at_us < now_us - SETTLING_US]


@only_in_full
def test_a_call_is_sent_answered_and_felt(calling: tuple[SendingCamera, Station]) -> None:
    at, station = calling
    with at:
        at.send()
        at.skip_warning_and_record()
        time.sleep(2.5)
        at.hold(10.5)
        wait_for(lambda: len(station.reached) == 1, 15, "somebody is called")
        wait_for(lambda: SENT in felt(at), 15, "it is felt as sent")
        [called] = [one["detail"] for one in at.ledger("help_call")]
        assert called["call"] in station.reached[0][1]
        assert station.reached[0][0] == HELP.to[0]
        assert at.status()["help"]["last"] == "sent"
        answer = now(ANSWER, body=Answer(call=called["call"]))
        for wrong, names in (
            (replace(answer, person="E-01"), ("E-01",)),
            (answer, ("E-02",)),
            (replace(answer, body=Answer(call="00" * 32)), ()),
        ):
            with ControlClient(at.device / "control.sock") as client:
                told = client.request(Deliver(document=ordered(wrong, *names).document.file_bytes), Delivered)
            assert told.outcome in ("not_allowed", "not_signed", "no_call"), told
        assert ANSWERED not in felt(at)
        station.orders.take(ordered(answer).document.file_bytes, station.roster, "by hand")
        wait_for(lambda: ANSWERED in felt(at), 20, "the answer is felt")
        assert at.status()["help"]["last"] == "answered"
        with ControlClient(at.device / "control.sock") as client:
            assert client.request(Deliver(document=ordered(answer).document.file_bytes), Delivered).outcome == "answered"
        assert [one["detail"]["outcome"] for one in at.ledger("order_done")].count("answered") == 1
        types = [one["type"] for one in at.ledger()]
        assert types.index("button_held") < types.index("help_call") < types.index("help_sent") < types.index("order")
        assert at.status()["state"] == "recording", "the recording is as it was"
        at.stop_recording()
        assert felt(at).count(ANSWERED) == felt(at).count(SENT) == 1
        at.kill_uplink()
        at.stop()
    assert verify(at.store, PublicKey.from_pem(at.device_pem)).exit_code in (0, 3)


@only_in_full
@pytest.mark.parametrize("why", ["no station", "no uplink", "nobody is reached"])
def test_without_a_way_it_is_felt_as_not_sent_within_twenty_seconds(calling: tuple[SendingCamera, Station], why: str) -> None:
    at, station = calling
    if why == "no station":
        station.close()
    station.unreachable = set(HELP.to)
    with at:
        if why != "no uplink":
            at.send()
        at.skip_warning_and_record()
        time.sleep(2.5)
        at.hold(10.5)
        began = time.monotonic()
        wait_for(lambda: NOT_SENT in felt(at), 25, "it is felt as not sent")
        assert time.monotonic() - began < 25
        assert "help_unconfirmed" in at.status()["flags"]
        assert len(at.ledger("help_not_sent")) == 1
        assert SENT not in felt(at)
        if why == "nobody is reached":
            station.unreachable = set()
            wait_for(lambda: SENT in felt(at), 30, "it went after all")
        at.stop_recording()
        at.kill_uplink()
        at.stop()
    if why == "no station":
        station.open()
