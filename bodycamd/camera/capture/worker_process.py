"""One capture worker as the recorder holds it: the process, its end of the link, and what is known of it.

Nothing here waits: reading gives what has come, killing only tells the kernel, reaping only asks. `camera.capture.supervisor` decides.
"""

from __future__ import annotations

import socket

from msgspec.structs import replace

from bodycamd.camera.capture.liveness import Facts, Phase
from bodycamd.camera.capture.order import Conversation, asked, heard, opened
from bodycamd.camera.capture.protocol import (
    Close,
    Fragment,
    FrameReader,
    FromWorker,
    Init,
    LinkClosed,
    MicrophoneReport,
    Open,
    Ping,
    Pong,
    Prepare,
    Prepared,
    SetMicrophone,
    Tick,
    send_command,
)
from bodycamd.camera.capture.sources.source import Group
from bodycamd.camera.control.events import AudioChanged, AudioSilent, Event, MicrophoneOpened
from bodycamd.footage import AudioState, SoundLevel
from bodycamd.linux.child import LinkedChild


class Child:
    """A worker process from its start until it is reaped. One thread uses it."""

    def __init__(self, process: LinkedChild, prepare: Prepare, now_us: int) -> None:
        """Tell the process, which is this child's from here on, what to prepare for. Raises `OSError` or `LinkError`, and it is
        ended, where it does not take it."""
        self.facts = Facts("preparing", now_us, group=Group.of(prepare.video))
        self.generation: int | None = None
        self.reason: str | None = None
        """Why it failed; `None` as long as it did not."""
        self.closing = False
        """Asked to close, or no longer wanted."""
        self.told_closed = False
        """`Closed` came: all footage is in."""
        self.flowing = False
        self.init: Init | None = None
        self.audio: AudioState | None = None
        self.microphone = ""
        """The device that gives the sound, as the worker said last; empty: none."""
        self.silent = False
        """It has given digital silence for seconds."""
        self.level: SoundLevel | None = None
        self.unlocked: str | None = None
        """Why its memory is not locked against swap."""
        self.frames = self.dropped = 0
        self._frames_at_footage = 0
        self._conversation = Conversation()
        self._reader = FrameReader.of_worker()
        self.process = process
        self.sock: socket.socket | None = self.process.link
        try:
            send_command(self.sock, prepare)
        except BaseException:
            self.process.end()
            self.process.close()
            raise

    @property
    def phase(self) -> Phase:
        """Where in its life the worker is."""
        return self.facts.phase

    def enter(self, phase: Phase, now_us: int) -> None:
        """Begin a phase; a killed worker stays killed."""
        if self.facts.phase != "killed":
            self.facts = replace(self.facts, phase=phase, since_us=now_us)

    def ask(self, now_us: int) -> None:
        """Have a prepared worker show that it is there. Raises `LinkError`."""
        self._conversation = asked(self._conversation)
        self.facts = replace(self.facts, asked_us=now_us)
        self._send(Ping())

    def open(self, generation: int, microphone: bool, now_us: int) -> None:
        """Have it open the camera. Raises `LinkError`."""
        self.generation = generation
        self._conversation = opened(self._conversation, generation)
        self.enter("open", now_us)
        self.facts = replace(self.facts, asked_us=now_us)
        self._send(Open(generation=generation, microphone=microphone))

    def set_microphone(self, open: bool) -> None:
        """Have it open or close the microphone. Raises `LinkError`."""
        self._send(SetMicrophone(open=open))

    def close_camera(self, now_us: int) -> None:
        """Have it flush and close. Raises `LinkError`."""
        self.enter("closing", now_us)
        self._send(Close())

    def _send(self, command: Ping | Open | SetMicrophone | Close) -> None:
        if self.sock is None:
            raise LinkClosed("the worker's link is closed")
        send_command(self.sock, command)

    def read(self, now_us: int) -> tuple[FromWorker, bytes] | None:
        """Take in what has come of a message; give it if it is whole. Raises `LinkError` if it breaks a rule, `LinkClosed`,
        `BlockingIOError` where nothing has come.
        """
        if self.sock is None:
            raise LinkClosed("the worker's link is closed")
        whole = self._receive(self.sock)
        while whole is None and self._reader.mid_frame:
            try:
                whole = self._receive(self.sock)
            except BlockingIOError:
                break
        if whole is not None:
            self._conversation = heard(self._conversation, whole[0], now_us)
            self._learn(whole[0], now_us)
        return whole

    def _receive(self, sock: socket.socket) -> tuple[FromWorker, bytes] | None:
        try:
            received = sock.recv_into(self._reader.space())
        except ConnectionError as error:
            raise LinkClosed(f"the worker's link broke: {error}") from error
        if received == 0:
            raise LinkClosed("the worker's link was cut inside a message" if self._reader.mid_frame else "the worker closed its link")
        return self._reader.advance(received)

    def _learn(self, message: FromWorker, now_us: int) -> None:
        facts = replace(self.facts, asked_us=None)
        match message:
            case Prepared():
                self.unlocked = message.unlocked
            case Pong() if facts.phase == "prepared":
                facts = replace(facts, since_us=now_us)
            case Tick():
                self.frames, self.dropped, self.level = message.frames, message.dropped, message.level
                last_frame_us, footage_us = self._conversation.last_frame_us, facts.footage_us
                if footage_us is None and last_frame_us is not None:
                    footage_us = now_us
                waiting_frames = message.frames - self._frames_at_footage
                facts = replace(facts, last_frame_us=last_frame_us, footage_us=footage_us, waiting_frames=waiting_frames)
            case Fragment():
                self._frames_at_footage = self.frames
                facts = replace(facts, footage_us=now_us, flowing=True, waiting_frames=0)
        self.facts = facts

    def sound_is(self, audio: AudioState) -> list[Event]:
        """What is to be told of this state of the sound: nothing where it is no other than before."""
        if self.audio == audio:
            return []
        self.audio = audio
        assert self.generation is not None
        return [AudioChanged(self.generation, audio)]

    def microphone_is(self, report: MicrophoneReport) -> list[Event]:
        """What is to be told of this report: another device than before, or digital silence that begins or ends."""
        events: list[Event] = []
        if report.device and report.device != self.microphone:
            events.append(MicrophoneOpened(report.generation, report.device))
        if report.silent != self.silent:
            events.append(AudioSilent(report.generation, report.silent))
        self.microphone, self.silent = report.device, report.silent
        return events

    def kill(self, reason: str, now_us: int) -> None:
        """Tell the kernel to end it, whatever it does; the first reason counts."""
        self.reason = self.reason or reason
        self.process.kill()
        self.enter("killed", now_us)

    def ending(self) -> str:
        """Why it is gone, for a person."""
        if self.reason is not None:
            return self.reason
        code = self.process.exit_code
        if code is None:
            return "still there"
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def close_link(self) -> None:
        """Close the recorder's end."""
        if self.sock is not None:
            self.sock.close()
            self.sock = None
