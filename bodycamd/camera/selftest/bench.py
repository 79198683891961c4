"""The whole test on the bench, while no daemon runs: it holds pins, loudspeaker and camera itself, and asks whoever is there.

One part after the other; a part that fails costs its own verdict only. The look through the camera is a process of its own, so that a
driver that hangs cannot hold up the test.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

from bodycamd.camera.board.ports import Board, Button, Haptic, Lamp, Voice
from bodycamd.camera.capture.look import LONGEST_SECONDS, LookFacts, LookProcess, order_of
from bodycamd.camera.control.events import Event, VoiceHealth, WarningEnded
from bodycamd.camera.selftest import judge_capture, judge_hands, judge_machine, probes
from bodycamd.camera.selftest.judge_hands import Part
from bodycamd.camera.selftest.measured import ButtonFacts, OutputFacts, SandboxFacts, VoiceFacts
from bodycamd.camera.selftest.verdict import Verdict
from bodycamd.config.settings import Config
from bodycamd.errors import UnavailableError
from bodycamd.linux.clock import SystemClock

E = TypeVar("E")
PRESS_SECONDS: Final = 15.0
STILL_SECONDS: Final = 0.3
"""After the release: then it was one press."""
BOUNCE_GAP_US: Final = 40_000
"""Edges that follow each other sooner are one contact that bounces: no hand presses and lets go so fast."""
SHOWN_SECONDS: Final = 1.5
VOICE_SECONDS: Final = 12.0
OPENING_SECONDS: Final = 20.0
"""For worker and camera, on the smallest board."""


class Person(Protocol):
    """Whoever stands beside the camera."""

    def will_press(self) -> bool:
        """Ask for one press of the button, now. False: there is nobody."""

    def noticed(self, part: Part) -> bool | None:
        """Whether the part, which has just been switched on and off, was seen or felt. `None`: there is nobody to say so."""


class Nobody:
    """There is no terminal."""

    def will_press(self) -> bool:
        """See `Person`."""
        return False

    def noticed(self, part: Part) -> None:
        """See `Person`."""


def board_of(config: Config, post: Callable[[Event], None]) -> Board:
    """The configured parts, to be held by this test. Raises `UnavailableError` where one is not there, or somebody holds it."""
    directory = Path(config.simulation_directory) if config.simulation_directory is not None else None
    clock = SystemClock()
    if config.board.adapter == "simulated":
        from bodycamd.camera.board.simulated import simulated_board

        assert directory is not None, "the configuration check asks for simulation_directory"
        return simulated_board(config.board, config.speaker, directory=directory, wav=config.warning_path, post=post, clock=clock)
    from bodycamd.camera.board.pi import pi_board

    return pi_board(config.board, config.speaker, wav=config.warning_path, post=post, directory=directory, clock=clock)


def release(board: Board) -> None:
    """Let go of every part; lamps and motor are off then."""
    with suppress(RuntimeError):  # a voice that was never started
        board.voice.close()
    board.button.close()
    for part in (board.lamp, board.ready_lamp, board.haptic, board.sensors):
        if part is not None:
            part.close()


class Bench:
    """All checks, each as it is done. `board` comes from `board_of`, with `heard.put` as its `post`."""

    def __init__(self, config: Config, board: Board, heard: queue.SimpleQueue[Event], person: Person, *, target: bool) -> None:
        self._config, self._board, self._heard, self._person = config, board, heard, person
        self._target = target

    def verdicts(self) -> Iterator[Verdict]:
        """One for each check, in the order in which they are done."""
        config, board = self._config, self._board
        yield judge_hands.button(press(board.button, PRESS_SECONDS) if self._person.will_press() else None, config.gestures.bounce_ms)
        gpio = config.board.gpio
        yield judge_hands.output("led", self._shown("led", board.lamp))
        yield judge_hands.output("ready_led", self._shown("ready_led", board.ready_lamp) if board.ready_lamp is not None else None)
        yield judge_hands.output("haptic", self._shown("haptic", board.haptic) if gpio.haptic is not None else None)
        look, said = self.look()
        yield from judge_capture.all_of(look, said, audio=config.audio, deaf=judge_capture.is_deaf(config))
        yield judge_capture.channel(probes.sides(config.microphone), config.microphone.channel)
        yield judge_machine.disk(probes.disk(config))
        yield judge_machine.space(probes.space(config))
        clock = probes.clock(config)
        yield judge_machine.clock(clock)
        yield judge_machine.rtc(clock)
        yield judge_machine.signing_keys(probes.signing_keys(config))
        yield judge_machine.recipients(probes.recipients(config))
        yield judge_machine.battery(probes.battery(config, board.battery, board.sensors))
        yield judge_machine.heat(probes.heat(board.sensors))
        yield judge_machine.swap(probes.swapped(look.unlocked))
        simulated = config.board.adapter == "simulated"
        yield judge_machine.sandbox(SandboxFacts(worker=look.sandbox, exposure=None if simulated else probes.exposure()))

    def look(self) -> tuple[LookFacts, VoiceFacts]:
        """Look through the camera and listen, while the warning is spoken."""
        self._board.voice.start()
        health = self._await(VoiceHealth, VOICE_SECONDS)
        order = order_of(self._config, target=self._target, opening_seconds=OPENING_SECONDS)
        try:
            process = LookProcess(order)
        except UnavailableError as error:
            return LookFacts(failure=str(error)), VoiceFacts(outcome=None, detail="")
        with closing(process):
            process.listening()  # where no footage comes, the voice is heard of all the same
            said = self._speak(self._board.voice, health)
            try:
                return process.facts(), said
            except UnavailableError as error:
                return LookFacts(failure=str(error)), said

    def _speak(self, voice: Voice, health: VoiceHealth | None) -> VoiceFacts:
        if health is None or not health.ok:
            return VoiceFacts(outcome=None, detail="" if health is None else health.detail)
        voice.speak()
        ended = self._await(WarningEnded, LONGEST_SECONDS + VOICE_SECONDS)
        return VoiceFacts(outcome=None, detail="") if ended is None else VoiceFacts(outcome=ended.outcome, detail=ended.detail)

    def _await(self, kind: type[E], seconds: float) -> E | None:
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0:
            with suppress(queue.Empty):
                event = self._heard.get(timeout=left)
                if isinstance(event, kind):
                    return event
        return None

    def _shown(self, part: Part, output: Lamp | Haptic) -> OutputFacts:
        """Both are switched the same way."""
        try:
            output.set(True)
            time.sleep(SHOWN_SECONDS)
            output.set(False)
        except Exception as error:  # whatever a pin raises is what is to be told
            return OutputFacts(noticed=None, fault=f"{type(error).__name__}: {error}")
        return OutputFacts(noticed=self._person.noticed(part))


def press(button: Button, wait_seconds: float) -> ButtonFacts:
    """Wait for one press and its release."""
    edges: queue.SimpleQueue[tuple[bool, int]] = queue.SimpleQueue()
    if button.is_pressed():
        return ButtonFacts(down_at_rest=True, presses=0, released=False, bounce_ms=0.0, waited_seconds=0.0)
    button.watch(lambda pressed, at_us: edges.put((pressed, at_us)))
    contacts: list[list[tuple[bool, int]]] = []
    began = time.monotonic()
    give_up = began + wait_seconds
    while time.monotonic() < give_up:
        try:
            edge = edges.get(timeout=min(STILL_SECONDS, max(0.0, give_up - time.monotonic())))
        except queue.Empty:
            if contacts and not button.is_pressed():
                break
            continue
        if not contacts or edge[1] - contacts[-1][-1][1] > BOUNCE_GAP_US:
            contacts.append([])
        contacts[-1].append(edge)
    bounce_us = max((contact[-1][1] - contact[0][1] for contact in contacts), default=0)
    return ButtonFacts(
        down_at_rest=False,
        presses=sum(contact[0][0] for contact in contacts),
        released=bool(contacts) and not button.is_pressed(),
        bounce_ms=bounce_us / 1000,
        waited_seconds=time.monotonic() - began,
    )
