"""What `bodycamd station` lists, for people and programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from bodycamd.cli.output import size

if TYPE_CHECKING:
    from bodycamd.municipality.station.order_index import Delivery, Presence
    from bodycamd.municipality.station.stamping import KeptStamp


class OrderAt(Struct, frozen=True, kw_only=True):
    """An order at a camera. `ledger` is the line of the camera's ledger that says so, `line_sha256` its SHA-256; both may be empty."""

    order: str
    kind: str
    people: list[str]
    made_at: str
    camera: str
    state: Literal["waiting", "sent", "seen", "refused", "done"]
    outcome: str
    ledger: str
    line_sha256: str

    @classmethod
    def of(cls, one: Delivery) -> OrderAt:
        """What is told of it."""
        if one.line is not None:
            state: Literal["waiting", "sent", "seen", "refused", "done"] = "done" if one.done else "refused"
        else:
            state = "seen" if one.seen_us is not None else "sent" if one.sent_us is not None else "waiting"
        return cls(
            order=one.order.id,
            kind=one.order.order.kind,
            people=list(one.order.order.people),
            made_at=one.order.order.made_at,
            camera=one.device,
            state=state,
            outcome=one.outcome,
            ledger=f"{one.start:06d}.jsonl: line {one.line}" if one.start is not None else "",
            line_sha256=one.line_sha256,
        )


class StampAt(Struct, frozen=True, kw_only=True):
    """A stamp over the log as far as `line`; `head` is the log's there. `at` is the authority's time, empty where there is a problem."""

    line: int
    head: str
    at: str
    problem: str

    @classmethod
    def of(cls, one: KeptStamp) -> StampAt:
        """What is told of it."""
        from bodycamd.evidence.statements import wall_text

        at = wall_text(one.at_us).partition(".")[0] + "Z" if one.at_us is not None else ""
        return cls(line=one.n, head=one.head, at=at, problem=one.problem)


class CameraAt(Struct, frozen=True, kw_only=True):
    """What a camera's uplink said last; empty where it said nothing of it."""

    camera: str
    seen: str
    battery: str
    free: str
    waiting: str

    @classmethod
    def of(cls, one: Presence) -> CameraAt:
        """What is told of it."""
        import msgspec

        from bodycamd.evidence.statements import wall_text
        from bodycamd.municipality.station.orders import CameraState

        state = msgspec.json.decode(one.state, type=CameraState) if one.state is not None else CameraState()
        charging = ", on external power" if state.external_power else ""
        return cls(
            camera=one.device,
            seen=wall_text(one.seen_us).partition(".")[0] + "Z",
            battery=f"{state.battery_percent} %{charging}" if state.battery_percent is not None else "",
            free=size(state.free_bytes) if state.free_bytes is not None else "",
            waiting=size(state.waiting_bytes) if state.waiting_bytes is not None else "",
        )
