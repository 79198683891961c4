"""Calls for help at a real station: who is called, when, how often, and what a camera is told of it."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bodycamd.errors import DataError, NotFoundError, PermissionDeniedError, UnavailableError, UsageError
from bodycamd.evidence import help_call
from bodycamd.evidence.help_call import HelpCall, SignedCall, decode_sent, judge_sent, sign_call
from bodycamd.evidence.orders import Answer, SignedOrder
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.orders import posting
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.figures import HelpFigures, index_figures
from bodycamd.municipality.station.help_index import MOST_CALLS
from bodycamd.municipality.station.help_words import text_of
from bodycamd.municipality.station.rebuild import rebuild
from tests.evidence.ordering import ANSWER, IN_FORCE, ordered
from tests.evidence.rostering import NOW_US, key
from tests.evidence.test_help_call import CALL, MESSAGE_KEY
from tests.kit.scale import count, only_in_full
from tests.municipality.station.at_station import Scene
from tests.municipality.station.conftest import HELP, STATION_KEY

FIRST, SECOND, THIRD = HELP.to


def called(nonce: int = 0, **changes: object) -> SignedCall:
    return sign_call(replace(CALL, **{"at": wall_text(NOW_US), "nonce": f"{nonce:032x}", **changes}), MESSAGE_KEY)


def post(scene: Scene, call: SignedCall) -> int:
    return scene.link.put("POST", "/v1/cameras/HV-01/help", call.document.file_bytes).status_code


def answering(call: SignedCall, nonce: int = 0, **changes: object) -> SignedOrder:
    return ordered(replace(ANSWER, body=Answer(call=call.id), nonce=f"{nonce:032x}", **changes))


def people(scene: Scene) -> list[str]:
    return [to for to, _ in scene.station.reached]


def events(scene: Scene) -> list[str]:
    found = [audit.decode(line, "x").event for line in scene.station.index.audit_lines()]
    return [event for event in found if event.startswith("help_")]


def pass_seconds(scene: Scene, seconds: int) -> None:
    scene.station.now += seconds
    scene.station.desk.call_next()


def test_a_call_reaches_the_first_person_and_is_signed_as_sent(scene: Scene) -> None:
    call = called()
    answer = scene.link.put("POST", "/v1/cameras/HV-01/help", call.document.file_bytes)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/vnd.bodycam.help-sent")
    sent = decode_sent(answer.content, "x")
    assert judge_sent(sent, IN_FORCE, "HV-01") == "accepted"
    assert (sent.sent.call, sent.sent.people) == (call.id, 3)
    [(to, text)] = scene.station.reached
    assert to == FIRST
    assert all(word in text for word in ("HULPOPROEP", "HV-01", "H-12", call.id))
    again = scene.link.put("POST", "/v1/cameras/HV-01/help", call.document.file_bytes)
    assert again.content == answer.content
    assert people(scene) == [FIRST], "nobody is called twice for it"
    assert events(scene) == ["help_called", "help_reached"]


@only_in_full
def test_without_an_answer_the_next_one_is_called_after_thirty_seconds_each(scene: Scene) -> None:
    post(scene, called())
    pass_seconds(scene, 29)
    assert people(scene) == [FIRST]
    pass_seconds(scene, 1)
    assert people(scene) == [FIRST, SECOND]
    assert scene.station.reached[-1][1].startswith("NOG NIET BEANTWOORD: ")
    pass_seconds(scene, 30)
    pass_seconds(scene, 3600)
    assert people(scene) == [FIRST, SECOND, THIRD]


def test_an_answer_ends_the_calling_and_goes_to_the_camera(scene: Scene) -> None:
    call = called()
    post(scene, call)
    assert scene.link.ask("GET", f"help/{call.id}").status_code == 204
    order = answering(call)
    assert scene.post(order).status_code == 201
    found = scene.link.ask("GET", f"help/{call.id}?wait=20")
    assert (found.status_code, found.content) == (200, order.document.file_bytes)
    pass_seconds(scene, 3600)
    assert people(scene) == [FIRST]
    assert events(scene) == ["help_called", "help_reached", "help_answered"]
    assert order.document.file_bytes in scene.poll()[0], "with the other orders too"
    assert scene.post(answering(call, 1)).status_code == 201
    assert scene.link.ask("GET", f"help/{call.id}").content == order.document.file_bytes, "the first one counts"


def test_a_held_question_hears_of_the_answer_when_it_comes(scene: Scene) -> None:
    call = called()
    post(scene, call)
    found: list[int] = []
    asking = dataclasses.replace(scene.link)
    thread = threading.Thread(target=lambda: found.append(asking.ask("GET", f"help/{call.id}?wait=20").status_code))
    thread.start()
    time.sleep(0.3)
    assert found == []
    scene.post(answering(call))
    thread.join(10)
    assert found == [200]


@only_in_full
@pytest.mark.parametrize(
    "changes",
    [{"person": "E-01"}, {"cameras": ("HV-02",)}, {"not_after": "2026-03-09T12:30:00.000000Z"}],
    ids=["no coordinator", "another camera", "it has ended"],
)
def test_who_may_not_answer_ends_no_calling(scene: Scene, changes: dict[str, Any]) -> None:
    call = called()
    post(scene, call)
    scene.post(answering(call, **changes))
    assert scene.link.ask("GET", f"help/{call.id}").status_code == 204
    pass_seconds(scene, 30)
    assert people(scene) == [FIRST, SECOND]


def test_who_cannot_be_reached_is_passed_over_at_once(scene: Scene) -> None:
    scene.station.unreachable = {FIRST}
    assert post(scene, called()) == 200
    assert people(scene) == [FIRST, SECOND]
    pass_seconds(scene, 30)
    assert people(scene) == [FIRST, SECOND, THIRD]


@only_in_full
def test_where_nobody_is_reached_it_is_not_sent_and_all_are_tried_again(scene: Scene) -> None:
    scene.station.unreachable = set(HELP.to)
    call = called()
    assert post(scene, call) == 503
    assert people(scene) == list(HELP.to)
    pass_seconds(scene, 3600)
    assert len(people(scene)) == 3
    scene.station.unreachable = set()
    assert post(scene, call) == 200
    assert people(scene)[3:] == [FIRST]


@only_in_full
@pytest.mark.parametrize(
    ("call", "why"),
    [
        (sign_call(replace(CALL, at=wall_text(NOW_US)), key("HV-01 uplink_key")), "has not signed"),
        (sign_call(replace(CALL, camera="HV-02", at=wall_text(NOW_US)), key("HV-02 message_key")), "HV-02"),
        (called(at=wall_text(NOW_US - 901_000_000)), "kept it back"),
    ],
    ids=["the uplink's own", "another camera's", "old"],
)
def test_what_is_no_call_of_this_camera_calls_nobody(scene: Scene, call: SignedCall, why: str) -> None:
    answer = scene.link.put("POST", "/v1/cameras/HV-01/help", call.document.file_bytes)
    assert (answer.status_code, why in answer.text) == (422, True), answer.text
    assert scene.link.put("POST", "/v1/cameras/HV-01/help", b"x" * 5000).status_code == 413
    assert (people(scene), events(scene)) == ([], [])


def test_a_camera_without_a_clock_calls_too(scene: Scene) -> None:
    assert post(scene, called(at="1970-01-01T00:00:07.000000Z", clock_trusted=False)) == 200
    assert "tijd onbekend" in scene.station.reached[0][1]


def test_where_nobody_can_be_called_that_is_said(scene: Scene) -> None:
    scene.station.close()
    scene.station.helps = False
    scene.station.open()
    scene.link.client = scene.station.client
    assert post(scene, called()) == 404


def test_a_daily_test_calls_nobody_and_tries_the_command_with_everybody_once_a_day(scene: Scene) -> None:
    def tested(nonce: int) -> int:
        return post(scene, called(nonce, test=True, recording=None, officer=None, at=wall_text(scene.station.now * 1_000_000)))

    assert tested(1) == 200
    assert people(scene) == list(HELP.to)
    assert {text for _, text in scene.station.reached} == {"Proef van de hulpoproep: geen actie nodig."}
    assert tested(2) == 200
    assert len(people(scene)) == 3, "another camera's, on the same day"
    scene.station.now += 82_800
    scene.station.unreachable = {SECOND}
    assert tested(3) == 503
    assert tested(4) == 503
    assert len(people(scene)) == 6, "within the hour nobody is bothered again"
    scene.station.now += 3_600
    scene.station.unreachable = set()
    assert tested(5) == 200
    assert events(scene).count("help_tried") == 3
    pass_seconds(scene, 3600)
    assert len(people(scene)) == 9


@only_in_full
def test_the_figures_tell_of_calls_and_tests_and_name_nobody(scene: Scene) -> None:
    def figures() -> HelpFigures | None:
        return index_figures(scene.station.index.database, scene.station.now * 1_000_000).help

    assert figures() is None
    first, second = called(1), called(2, number=2)
    scene.station.unreachable = set(HELP.to)
    post(scene, first)
    scene.station.unreachable = set()
    post(scene, second)
    post(scene, called(3, number=3))
    scene.post(answering(second))
    post(scene, called(4, test=True, recording=None, officer=None))
    found = figures()
    assert found is not None
    assert (found.unconfirmed, found.unanswered, found.answered, found.tested, found.tried_well) == (1, 1, 1, 1, True)
    assert found.tried_us == scene.station.now * 1_000_000
    page = scene.station.operator.get("/metrics").text
    for line in ('help_calls{state="unconfirmed"} 1.0', "help_tried_well 1.0", "help_cameras_tested 1.0"):
        assert f"bodycamd_station_{line}" in page
    assert "HV-01" not in page
    scene.station.now += 27 * 3600
    again = figures()
    assert again is not None
    assert again.tested == 0, "its test is not of today"


@only_in_full
def test_an_index_made_anew_calls_nobody_for_an_old_call(scene: Scene) -> None:
    call = called(at="1970-01-01T00:00:07.000000Z", clock_trusted=False)
    post(scene, call)
    scene.post(ordered(ANSWER))  # the log is kept with it
    scene.station.close()
    (scene.station.root / "index.sqlite").unlink()
    scene.station.open()
    keys = {"HV-01": scene.station.senders[scene.link.key_id].first_key}
    rebuild(scene.station.index, scene.station.storage, keys, STATION_KEY.public)
    scene.link.client = scene.station.client
    assert post(scene, call) == 422
    assert people(scene) == [FIRST]


@only_in_full
@settings(max_examples=count(60), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.sampled_from(["call", "again", "answer", "tick", "reach", "lose", "restart"]), max_size=16))
def test_whatever_happens_nobody_is_called_twice_for_an_answered_call(scene: Scene, moves: list[str]) -> None:
    """Calls, repeats, answers, time, a command that fails, and starts of the station in any order."""
    station, calls, answered = scene.station, list[SignedCall](), set[str]()
    station.unreachable = set()
    station.now += 660  # the calls of the life before no longer count against this one
    for move in moves:
        before = list(station.reached)
        match move:
            case "call":
                call = called(int.from_bytes(os.urandom(8), "big"), at=wall_text(station.now * 1_000_000))
                status = post(scene, call)
                if station.desk.index.call(call.id) is not None:
                    calls.append(call)
                else:
                    assert (status, len(calls) >= MOST_CALLS) == (503, True)
            case "again" if calls:
                post(scene, calls[-1])
            case "answer" if calls:
                scene.post(answering(calls[-1], len(station.reached), made_at=wall_text(station.now * 1_000_000)))
                answered |= {calls[-1].id} if station.desk.index.call(calls[-1].id).answer else set()  # type: ignore[union-attr]
            case "tick":
                pass_seconds(scene, 30)
            case "reach":
                station.unreachable = set()
            case "lose":
                station.unreachable = set(HELP.to)
            case "restart":
                scene.again()
        new = [(to, text) for to, text in station.reached[len(before) :] if any(call.id in text for call in calls)]
        assert not [text for _, text in new if any(id in text for id in answered)], (move, new)
        assert len(new) <= len(HELP.to) * max(1, len(calls))
        for call in calls:
            known = station.desk.index.call(call.id)
            assert known is not None
            reached = [to for to, text in station.reached if call.id in text and to not in station.unreachable]
            assert (known.sent is not None) <= (bool(reached) or bool(station.unreachable) or known.answer is not None)


def test_the_message_is_one_sms(scene: Scene) -> None:
    for person in (0, 1):
        for language in ("nl", "en"):
            assert len(text_of(called(), person, language)) <= 160
            assert text_of(called(), person, language).isascii()


# --- a person's answer, sent by the person ------------------------------------------------------------------------------------------------


@only_in_full
def test_a_persons_own_computer_sends_the_answer(scene: Scene, tmp_path: Path) -> None:
    call = called()
    post(scene, call)
    at = posting.target(f"http://127.0.0.1:{scene.station.port}", None)
    scene.station.close()
    scene.station.authority = ""
    scene.station.open()
    order = answering(call)
    at.post(order.document.file_bytes, key("C-01"))
    at.post(order.document.file_bytes, key("C-01"))
    assert scene.station.desk.index.call(call.id).answer == order.document.file_bytes  # type: ignore[union-attr]
    with pytest.raises(PermissionDeniedError):
        at.post(order.document.file_bytes, key("nobody"))
    with pytest.raises(DataError):
        at.post(b"junk", key("C-01"))
    scene.station.close()
    with pytest.raises(UnavailableError):
        at.post(order.document.file_bytes, key("C-01"))
    scene.station.open()


@pytest.mark.parametrize("url", ["station.example.org", "http://station.example.org", "https://s/x", "file:" + "/etc"])
def test_only_a_stations_address_is_one(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        posting.target(url, None)
    with pytest.raises(NotFoundError):
        posting.target("https://s.example", tmp_path / "nowhere")
    (tmp_path / "ca").write_text("junk")
    with pytest.raises(DataError):
        posting.target("https://s.example", tmp_path / "ca")


def test_the_formats_are_named_alike() -> None:
    assert (help_call.HELP_TYPE, help_call.SENT_TYPE) == ("bodycam-help/1", "bodycam-help-sent/1")
    assert isinstance(CALL, HelpCall)
