"""Calls for help by Web Push, to a real push service: who gets what and how often, subscriptions that are over, and the daily test."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodycamd.errors import StoreBusyError
from bodycamd.evidence.help_call import SignedCall, decode_sent, judge_sent
from bodycamd.evidence.statements import wall_text
from bodycamd.municipality.station import audit, push_key
from bodycamd.municipality.station.database import Database
from bodycamd.municipality.station.help_desk import HelpDesk, UnreachedError
from bodycamd.municipality.station.help_index import HelpIndex, TooManyError
from bodycamd.municipality.station.help_ways import TTL_SECONDS, HelpPush
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.log_told import told_by
from bodycamd.municipality.station.push_service import PushService
from bodycamd.municipality.station.station_file import HelpSettings, PushSettings
from tests.evidence.ordering import IN_FORCE
from tests.evidence.rostering import NOW_US, key
from tests.kit.scale import count
from tests.municipality.station.push_server import Browser, PushServer, trusted
from tests.municipality.station.test_help import answering, called

FIRST, SECOND, TESTED = "C-01", "A-01", "T-01"
ACTIVE = frozenset({FIRST, SECOND, TESTED})


@dataclass
class Desks:
    """Two processes of a station on one index, whose people have browsers."""

    folder: Path
    server: PushServer
    to: tuple[str, ...] = (f"push:{FIRST}", f"push:{SECOND}")
    test: str | None = None
    now: int = NOW_US // 1_000_000
    active: set[str] = field(default_factory=lambda: set(ACTIVE))

    def __post_init__(self) -> None:
        self.server.now_seconds = lambda: self.now
        self.key, _ = push_key.make(self.folder / "station-1.push.key")
        self.subscriptions = self.folder / "push"
        self.subscriptions.mkdir(exist_ok=True)
        for person in ACTIVE:
            self.subscribe(person)
        self.url = f"sqlite:///{self.folder}/index.sqlite"
        self.databases = [Database.open(self.url) for _ in range(2)]
        self.settings = HelpSettings(
            to=self.to,
            command=("/bin/sh", "-c", f"cat >> {self.folder}/commanded; echo ' {{to}}' >> {self.folder}/commanded"),
            push=PushSettings(
                key=str(self.folder / "station-1.push.key"),
                contact="mailto:beheer@example.nl",
                subscriptions=str(self.subscriptions),
                test=self.test,
            ),
        )
        self.desks = [self._desk(HelpIndex(database)) for database in self.databases]

    def _desk(self, index: HelpIndex) -> HelpDesk:
        assert self.settings.push is not None
        send = PushService(trusted(self.server), [ip_network("127.0.0.0/8")], 20)
        push = HelpPush(self.settings.push, self.key, index, send, self.active.__contains__, lambda: self.now_us)
        return HelpDesk("station-1", key("station-1"), index, self.settings, now_us=lambda: self.now_us, push=push)

    @property
    def now_us(self) -> int:
        return self.now * 1_000_000

    def subscribe(self, person: str) -> None:
        (self.subscriptions / f"{person}.json").write_text(self.server.subscribe(person))

    def take(self, call: SignedCall, desk: int = 0) -> bytes:
        return self.desks[desk].take(call.document.file_bytes, IN_FORCE, "HV-01")

    def pass_seconds(self, seconds: int, *desks: int) -> None:
        self.now += seconds
        for desk in desks or (0, 1):
            self.desks[desk].call_next()

    def people(self) -> list[str]:
        """Whose browser got something, one after the other."""
        assert self.server.wrong == []
        return [found.path.split("/")[2] for found in self.server.pushed]

    def events(self) -> list[tuple[str, str]]:
        index = Index.open(self.url)
        found = [audit.decode(line, "x") for line in index.audit_lines()]
        index.close()
        return [(line.event, line.what) for line in found]

    def close(self) -> None:
        for database in self.databases:
            database.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PushServer]:
    with PushServer(tmp_path / "push-service").listening() as started:
        yield started


@pytest.fixture
def desks(tmp_path: Path, server: PushServer) -> Iterator[Desks]:
    opened = Desks(tmp_path, server)
    yield opened
    opened.close()


def test_a_call_is_pushed_to_the_first_person_and_after_thirty_seconds_to_the_next(desks: Desks) -> None:
    call = called()
    sent = decode_sent(desks.take(call), "x")
    assert (judge_sent(sent, IN_FORCE, "HV-01"), sent.sent.people) == ("accepted", 2)
    [found] = desks.server.pushed
    assert found.message == {
        "format": "bodycam-help-push/1",
        "text": f"HULPOPROEP camera HV-01, dienst H-12 om 01:00. Antwoord: {call.id}",
        "call": call.id,
        "camera": "HV-01",
        "test": False,
    }, "no more than the command has: no place, no name, no picture"
    assert (found.headers["urgency"], found.headers["ttl"], found.key) == ("high", str(TTL_SECONDS), desks.key.public)
    assert call.id not in str(found.headers)
    desks.take(call, desk=1)
    desks.pass_seconds(29)
    assert desks.people() == [FIRST]
    desks.pass_seconds(1)
    assert desks.people() == [FIRST, SECOND], "once, although both processes look"
    assert desks.server.pushed[-1].message["text"].startswith("NOG NIET BEANTWOORD: ")
    desks.pass_seconds(3600)
    assert desks.people() == [FIRST, SECOND]
    by_push = [("help_reached", f"number {n} of the list, by a push") for n in (1, 2)]
    assert desks.events() == [("help_called", "call 1 of start 7"), *by_push]


def test_an_answer_ends_the_pushing(desks: Desks) -> None:
    call = called()
    desks.take(call)
    desks.desks[1].index.answer(call.id, "HV-01", answering(call), desks.now_us)
    desks.pass_seconds(3600)
    assert desks.people() == [FIRST]


def test_command_and_push_are_one_list(tmp_path: Path, server: PushServer) -> None:
    desks = Desks(tmp_path, server, to=("+31600000001", f"push:{FIRST}", "+31600000002"))
    desks.take(called())
    desks.pass_seconds(30)
    desks.pass_seconds(30)
    assert desks.people() == [FIRST]
    assert [line.split()[-1] for line in (tmp_path / "commanded").read_text().splitlines()] == ["+31600000001", "+31600000002"]
    ways = [what.rpartition(", ")[2] for event, what in desks.events() if event == "help_reached"]
    assert ways == ["by the command", "by a push", "by the command"]
    desks.close()


@pytest.mark.parametrize("status", [400, 403, 413, 429, 500, 307])
def test_who_cannot_be_pushed_is_passed_over_at_once(desks: Desks, status: int, caplog: pytest.LogCaptureFixture) -> None:
    desks.server.statuses[f"/push/{FIRST}/{_number(desks, FIRST)}"] = status
    desks.take(called())
    assert desks.people() == [SECOND]
    assert f"answers {status}: because" in caplog.text
    assert ("help_unreached", "number 1 of the list, by a push") in desks.events()


def test_where_nobody_is_pushed_it_is_not_sent(desks: Desks) -> None:
    desks.server.raw = b"junk\r\n"
    call = called()
    with pytest.raises(UnreachedError):
        desks.take(call)
    asked = len(desks.server.asked)
    assert asked == 2
    desks.server.raw = None
    desks.take(call)
    assert len(desks.server.asked) == 3, "from the first one on, when the camera asks again"


def _number(desks: Desks, person: str) -> int:
    return next(int(path.partition("?")[0].rpartition("/")[2]) for path in desks.server.browsers if f"/{person}/" in path)


@pytest.mark.parametrize("status", [404, 410])
def test_a_subscription_that_is_over_is_told_once_and_never_tried_again(
    desks: Desks, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    old = f"/push/{FIRST}/{_number(desks, FIRST)}"
    desks.server.statuses[old] = status
    for nonce, desk in ((1, 0), (2, 1), (3, 0)):
        desks.take(called(nonce), desk)
    assert [path.partition("?")[0] for path in desks.server.asked].count(old) == 1
    assert desks.people() == [SECOND] * 3
    told = [what for event, what in desks.events() if event == "help_push_over"]
    assert told == [f"{FIRST}: the push service answers {status}"]
    assert [one.levelno for one in caplog.records if "is over, and is not tried again" in one.getMessage()] == [logging.ERROR]
    index = Index.open(desks.url)
    again = told_by(index.audit_lines()).pushes_over
    index.close()
    other = Database.open(f"sqlite:///{desks.folder}/anew.sqlite")
    [sha256] = again
    HelpIndex(other).restore_push_over(sha256, again[sha256])
    assert HelpIndex(other).push_is_over(sha256), "an index that is made anew knows it by the log"
    other.close()
    file = desks.subscriptions / f"{FIRST}.json"
    path = next(path for path in desks.server.browsers if path.startswith(old))
    desks.server.browsers[path], desks.server.statuses[old] = Browser(), 201
    file.write_text(json.dumps(desks.server.browsers[path].subscription(desks.server.origin + path)))
    desks.take(called(4))
    assert desks.people()[-1] == FIRST, "one with other keys is another one, at the same address too"
    desks.subscribe(FIRST)
    desks.take(called(5))
    assert desks.people()[-1] == FIRST


@pytest.mark.parametrize("why", ["not active", "no file", "no subscription", "a pipe"])
def test_without_a_subscription_nothing_is_sent(desks: Desks, why: str, caplog: pytest.LogCaptureFixture) -> None:
    file = desks.subscriptions / f"{FIRST}.json"
    if why == "not active":
        desks.active.remove(FIRST)
    elif why == "no subscription":
        file.write_text("{}")
    else:
        file.unlink()
        if why == "a pipe":
            os.mkfifo(file)
    desks.take(called())
    assert desks.people() == [SECOND]
    assert FIRST in caplog.text


# --- once ---------------------------------------------------------------------------------------------------------------------------------


@settings(max_examples=count(80), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.sampled_from(["call", "again", "answer", "tick", "both", 201, 410, 429, 500]), max_size=14))
def test_each_step_is_pushed_once_whatever_happens(tmp_path_factory: pytest.TempPathFactory, moves: list[str | int]) -> None:
    """Calls, repeats at either process or both at once, answers, time, and a push service that refuses, in any order."""
    folder = tmp_path_factory.mktemp("desks")
    with PushServer(folder / "push-service").listening() as server:
        desks, calls, answered = Desks(folder, server), list[SignedCall](), set[str]()
        for move in moves:
            before = len(server.pushed)
            match move:
                case "call":
                    call = called(len(calls), at=wall_text(desks.now_us))
                    try:
                        desks.take(call, len(calls) % 2)
                    except TooManyError:
                        continue
                    except (UnreachedError, StoreBusyError):
                        assert {201} != set(server.statuses.values())
                    calls.append(call)
                case "again" | "both" if calls:
                    _at_once(desks, calls[-1], (0, 1) if move == "both" else (len(moves) % 2,))
                case "answer" if calls:
                    desks.desks[0].index.answer(calls[-1].id, "HV-01", answering(calls[-1]), desks.now_us)
                    answered.add(calls[-1].id)
                case "tick":
                    desks.pass_seconds(30)
                case int():
                    for path in server.browsers:
                        server.statuses[path.partition("?")[0]] = move
            assert not [one for one in server.pushed[before:] if one.message["call"] in answered], move
        steps = [(one.message["call"], one.path.split("/")[2]) for one in server.pushed]
        assert server.wrong == []
        assert len(steps) == len(set(steps)), "nobody's browser rings twice for a call that was sent"
        over = [what for event, what in desks.events() if event == "help_push_over"]
        assert len(over) == len(set(over)) <= 2
        desks.close()


def _at_once(desks: Desks, call: SignedCall, which: tuple[int, ...]) -> None:
    ready = threading.Barrier(len(which))

    def ask(desk: int) -> None:
        ready.wait(20)
        with suppress(UnreachedError, StoreBusyError):  # the camera would ask again
            desks.take(call, desk)

    threads = [threading.Thread(target=ask, args=(desk,)) for desk in which]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# --- the daily test -----------------------------------------------------------------------------------------------------------------------


def daily(nonce: int, now_us: int) -> SignedCall:
    return called(nonce, test=True, recording=None, officer=None, at=wall_text(now_us))


def test_a_daily_test_rings_nobody_but_who_is_named_for_it(tmp_path: Path, server: PushServer) -> None:
    desks = Desks(tmp_path, server, test=TESTED)
    desks.take(daily(1, desks.now_us))
    [found] = server.pushed
    assert found.path.split("/")[2] == TESTED
    assert found.message == {"format": "bodycam-help-push/1", "text": "Proef van de hulpoproep: geen actie nodig.", "test": True}
    desks.take(daily(2, desks.now_us), desk=1)
    assert desks.people() == [TESTED], "once a day, whichever process"
    assert ("help_tried", f"2 people; 2 of them by a push, which was not sent; a push to {TESTED} was taken") in desks.events()
    desks.now += 82_800
    server.statuses[f"/push/{TESTED}/{_number(desks, TESTED)}"] = 403
    with pytest.raises(UnreachedError):
        desks.take(daily(3, desks.now_us))
    assert desks.events()[-1] == ("help_tried", f"2 people; 2 of them by a push, which was not sent; a push to {TESTED} was not taken")
    desks.close()


def test_a_test_without_anybody_for_it_looks_at_what_can_be_seen(desks: Desks) -> None:
    desks.take(daily(1, desks.now_us))
    assert (desks.people(), desks.server.asked) == ([], [])
    assert desks.events()[-1] == ("help_tried", "2 people; 2 of them by a push, which was not sent")
    desks.now += 82_800
    (desks.subscriptions / f"{SECOND}.json").unlink()
    with pytest.raises(UnreachedError):
        desks.take(daily(2, desks.now_us))
    assert desks.events()[-1] == ("help_tried", "2 people; not reached: 2; 2 of them by a push, which was not sent")


def test_a_test_tells_of_a_subscription_that_is_over(desks: Desks) -> None:
    desks.server.statuses[f"/push/{FIRST}/{_number(desks, FIRST)}"] = 410
    desks.take(called())
    with pytest.raises(UnreachedError):
        desks.take(daily(1, desks.now_us))
    assert "not reached: 1;" in desks.events()[-1][1]
