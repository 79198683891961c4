"""Which message of a worker may come when: the recorder's rules, pure.

`link` guarantees that each message is valid in itself; this guarantees their order, and that they agree with what the recorder asked for.
A worker that breaks a rule is not argued with: `LinkError` tells the reason and the supervisor replaces the worker.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bodycamd.camera.capture.protocol import (
    AudioReport,
    Closed,
    Failed,
    Fragment,
    FromWorker,
    Init,
    LinkError,
    MicrophoneReport,
    Pong,
    Prepared,
    Refused,
    Tick,
    View,
)

FUTURE_US = 1_000_000
"""How far a picture's time may lie ahead of the recorder's clock. A worker that dates its frames later would look alive for ever."""


class Conversation(Struct, frozen=True):
    """What has been said so far between the recorder and one worker."""

    prepared: bool = False
    pings: int = 0
    """Not answered yet."""
    generation: int | None = None
    init: bool = False
    view: bool = False
    last_pts_us: int | None = None
    last_frame_us: int | None = None
    ended: bool = False


def opened(so_far: Conversation, generation: int) -> Conversation:
    """The recorder has sent `Open`."""
    return replace(so_far, generation=generation)


def asked(so_far: Conversation) -> Conversation:
    """The recorder has sent `Ping`."""
    return replace(so_far, pings=so_far.pings + 1)


def heard(so_far: Conversation, message: FromWorker, now_us: int) -> Conversation:
    """The worker said `message`. Raises `LinkError` if it may not be said now."""
    name = type(message).__name__
    if so_far.ended:
        if isinstance(message, Tick):
            return so_far  # from the ticking thread, on its way while another sent the last message
        raise LinkError(f"{name} after the worker's last message")
    if isinstance(message, Failed):
        return replace(so_far, ended=True)
    if isinstance(message, Prepared | Refused):
        if so_far.prepared:
            raise LinkError(f"{name} from a worker that was prepared already")
        return replace(so_far, prepared=True, ended=isinstance(message, Refused))
    if isinstance(message, Pong):
        if so_far.pings == 0:
            raise LinkError("Pong without a Ping")
        return replace(so_far, pings=so_far.pings - 1)
    if so_far.generation is None:
        raise LinkError(f"{name} from a worker that was not opened")
    if isinstance(message, Tick):
        return _ticked(so_far, message, now_us)
    if message.generation != so_far.generation:
        raise LinkError(f"{name} of generation {message.generation} from the worker of generation {so_far.generation}")
    match message:
        case Init():
            if so_far.init:
                raise LinkError("a second Init in one generation")
            return replace(so_far, init=True)
        case View():
            if so_far.view or so_far.last_pts_us is not None:
                raise LinkError("a second View, or one after a Fragment, in one generation")
            return replace(so_far, view=True)
        case Fragment():
            return _fragment(so_far, message, now_us)
        case Closed():
            return replace(so_far, ended=True)
        case AudioReport() | MicrophoneReport():
            return so_far


def _ticked(so_far: Conversation, tick: Tick, now_us: int) -> Conversation:
    if tick.last_frame_us is None:
        if so_far.last_frame_us is not None:
            raise LinkError("Tick without a frame after a Tick with one")
        return so_far
    if tick.last_frame_us > now_us + FUTURE_US:
        raise LinkError(f"Tick with a frame {tick.last_frame_us - now_us} µs in the future")
    if so_far.last_frame_us is not None and tick.last_frame_us < so_far.last_frame_us:
        raise LinkError(f"Tick with a frame {so_far.last_frame_us - tick.last_frame_us} µs before the last one")
    return replace(so_far, last_frame_us=tick.last_frame_us)


def _fragment(so_far: Conversation, fragment: Fragment, now_us: int) -> Conversation:
    if not so_far.init:
        raise LinkError("Fragment before Init")
    if fragment.pts_us + fragment.duration_us > now_us + FUTURE_US:
        raise LinkError(f"Fragment that ends {fragment.pts_us + fragment.duration_us - now_us} µs in the future")
    if so_far.last_pts_us is not None and fragment.pts_us <= so_far.last_pts_us:
        raise LinkError(f"Fragment at {fragment.pts_us} µs after the one at {so_far.last_pts_us} µs")
    if fragment.gap_us > fragment.duration_us:
        raise LinkError(f"Fragment of {fragment.duration_us} µs with a gap of {fragment.gap_us} µs")
    if (fragment.audio_pts_us is None) != (fragment.audio_samples == 0):
        raise LinkError(f"Fragment with {fragment.audio_samples} sound samples at {fragment.audio_pts_us}")
    return replace(so_far, last_pts_us=fragment.pts_us)
