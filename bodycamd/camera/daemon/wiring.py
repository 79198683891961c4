"""The wiring page: builds every part of the recorder from the configuration and runs them.

It imports no camera, codec, web or command-line library: those live in the worker and in the commands of people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from bodycamd.camera.board.cards_link import CardsLink
from bodycamd.camera.board.ports import Board
from bodycamd.camera.capture.first_worker import start
from bodycamd.camera.capture.look import order_of
from bodycamd.camera.capture.protocol import Prepare
from bodycamd.camera.capture.supervisor import Supervisor
from bodycamd.camera.cards.codes import read_officers
from bodycamd.camera.control import events as ev
from bodycamd.camera.control import machine
from bodycamd.camera.control.gestures import Gestures
from bodycamd.camera.control.state import Policy
from bodycamd.camera.daemon.card_shifts import Cards
from bodycamd.camera.daemon.help_calling import message_key
from bodycamd.camera.daemon.loop import Mailbox
from bodycamd.camera.daemon.service import Parts, Service
from bodycamd.camera.daemon.socket import ControlSocket
from bodycamd.camera.daemon.trace_file import TraceFile
from bodycamd.camera.installation.installed import running, trial_under_way
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.keeping.opening import digest, expected_bytes_per_second, open_kept_store
from bodycamd.camera.keeping.ordered_settings import Found
from bodycamd.camera.keeping.orders import Orders
from bodycamd.camera.keeping.rosters import Prepared, Rosters, prepared, recipients_text
from bodycamd.camera.keeping.sending import Sending
from bodycamd.camera.keeping.setting_orders import SettingOrders
from bodycamd.camera.keeping.update_orders import UpdateOrders
from bodycamd.camera.recorder.ring import Ring
from bodycamd.camera.recorder.store import Store
from bodycamd.camera.recorder.writer import Writer
from bodycamd.config.settings import Config
from bodycamd.config.warning_sound import load as load_warning
from bodycamd.linux import memory, swap
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.clock import Clock, SystemClock, boottime_us
from bodycamd.linux.rtc import RealTimeClock

POWER_OFF = 100
REBOOT = 101
"""Exit code that asks the unit to power the camera off."""
CHECK_OPENING_SECONDS = 9.5
CHECK_SPOKEN_SECONDS = 3.0
"""So that a check of the parts ends within 15 s: opening and measuring, this much of the warning, and what its beginning and end take."""


# --- the parts --------------------------------------------------------------------------------------------------------------------------


def build_board(config: Config, post: Callable[[ev.Event], None]) -> Board:
    """The hardware, real or simulated, that the configuration names."""
    directory = Path(config.simulation_directory) if config.simulation_directory is not None else None
    clock = build_clock(config)
    if config.board.adapter == "simulated":
        from bodycamd.camera.board.simulated import simulated_board

        assert directory is not None, "the configuration check asks for simulation_directory"
        return simulated_board(config.board, config.speaker, directory=directory, wav=config.warning_path, post=post, clock=clock)
    from bodycamd.camera.board.pi import pi_board

    return pi_board(config.board, config.speaker, wav=config.warning_path, post=post, directory=directory, clock=clock)


def build_clock(config: Config) -> SystemClock:
    """The machine's clocks, with the real-time clock that the configuration declares: its thread ends with the process."""
    if config.clock.rtc == "none":
        return SystemClock()
    rtc = RealTimeClock(config.clock.rtc, boottime_us)
    rtc.begin()
    return SystemClock(rtc)


def build_gestures(config: Config) -> Gestures:
    """The button's gestures."""
    settings = config.gestures
    return Gestures(
        bounce_us=settings.bounce_ms * 1000, hold_us=round(settings.hold_seconds * 1e6), stuck_us=round(settings.stuck_seconds * 1e6)
    )


def build_policy(config: Config) -> Policy:
    """The policy that the control follows."""
    warning = load_warning(config.warning_path)
    return Policy(
        pre_event_us=config.pre_event_seconds * 1_000_000,
        pre_event_audio=config.pre_event_audio,
        post_event_us=config.post_event_seconds * 1_000_000,
        record_warning=config.record_warning,
        on_warning_failure=config.on_warning_failure,
        audio=config.audio,
        stop=config.gestures.stop,
        reminder_us=config.reminder_seconds * 1_000_000,
        warning_us=round(warning.seconds * 1e6),
        warning_sha256=warning.sha256,
        when_full=config.storage.when_full,
        help_call=config.help_call,
    )


def build_ring(config: Config, post: Callable[[ev.Event], None]) -> Ring:
    """The memory between worker and disk."""
    return Ring(seconds=config.ring.seconds, max_bytes=config.ring.max_bytes, pre_event_seconds=config.pre_event_seconds, on_overflow=post)


def build_supervisor(
    config: Config,
    ring: Ring,
    clock: Clock,
    post: Callable[[ev.Event], None],
    roster: Prepared | None,
    start: Callable[[], LinkedChild] = start,
) -> Supervisor:
    """The capture worker's keeper. Raises `ConfigError` where the roster has no recipients for this camera."""
    prepare = Prepare(
        video=config.video,
        microphone=config.microphone,
        audio=config.audio,
        recipients_text=recipients_text(config, roster),
        board=config.board.model,
    )
    return Supervisor(prepare=prepare, sink=ring, post=post, clock=clock, start=start)


def build_cards(config: Config, clock: Clock) -> Cards | None:
    """The card reader's process and the officers' cards; `None` where no reader is configured. Raises `ConfigError`."""
    if config.board.card_reader == "none":
        return None
    assert config.shift.cards is not None, "the configuration check asks for shift.cards"
    return Cards(CardsLink(Path(config.board.cards), clock), read_officers(Path(config.shift.cards)))


def open_recorder(
    config: Config, ring: Ring, clock: Clock, post: Callable[[ev.Event], None], orders: Orders | None, sending: Sending | None = None
) -> tuple[Store, Writer, Keeper]:
    """The locked and recovered store with this start's ledger and signing key, the one thread that touches the disk, and retention, which
    works in that thread. Deletions that an earlier start began are completed, and the roster is in force, when this returns."""
    store, keeper = open_kept_store(config, clock, orders, sending)
    writer = Writer(
        store=store,
        ring=ring,
        clock=clock,
        post=post,
        segment_seconds=config.storage.segment_seconds,
        low_minutes=config.storage.reserve_minutes,
        chores=keeper,
        expected_bytes_per_second=expected_bytes_per_second(config),
    )
    return store, writer, keeper


# --- the process ------------------------------------------------------------------------------------------------------------------------


async def serve(config: Config, unlocked: str | None, ordered: Found | None = None, start: Callable[[], LinkedChild] = start) -> int:
    """Build the parts, run until told to end, and give the exit code. `unlocked`: why this process's memory is not locked, if so;
    `ordered`: what orders have changed in `config`, `None` where no order counts; `start` starts capture workers."""
    mailbox = Mailbox(asyncio.get_running_loop())
    board = build_board(config, mailbox.post)
    ring = build_ring(config, mailbox.post)
    card = prepared(config)
    settings = SettingOrders(ordered, digest(config)) if ordered is not None else None
    updates = UpdateOrders(running(), trial_under_way)
    orders = Orders(Rosters(card), config.device_id, config.retention.days, board.clock, settings, updates) if card is not None else None
    sending = Sending(config.station.id, config.device_id, board.clock) if config.station.url and config.station.id else None
    parts = Parts(
        device_id=config.device_id,
        board=board,
        ring=ring,
        supervisor=build_supervisor(config, ring, board.clock, mailbox.post, card, start),
        gestures=build_gestures(config),
        state=machine.initial(build_policy(config)),
        mailbox=mailbox,
        open_recorder=lambda: open_recorder(config, ring, board.clock, mailbox.post, orders, sending),
        socket=lambda answer: ControlSocket(
            Path(config.control.socket),
            answer,
            group=config.control.group,
            admin_group=config.control.admin_group,
            uplink_user=config.control.uplink_user,
        ),
        look=order_of(config, opening_seconds=CHECK_OPENING_SECONDS, at_most_seconds=CHECK_SPOKEN_SECONDS),
        trace=TraceFile(Path(config.control.trace)) if config.control.trace is not None else None,
        cards=build_cards(config, board.clock),
        orders=orders,
        sending=sending,
        message_key=message_key(Path(config.keys.signing)) if config.help_call else None,
        protection=lambda worker: swap.judge(memory.read_machine(), recorder=unlocked, worker=worker),
    )
    left = await Service(parts).run()
    return POWER_OFF if left.power_off else REBOOT if left.reboot else 0
