"""`bodycamd station copies`: what a station holds, recording by recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer
from msgspec import Struct

from bodycamd.cli.daemon_or_store import AsJson
from bodycamd.cli.output import print_json, say, say_lines, size, table
from bodycamd.cli.station_option import DEFAULT_STATION, FileArgument
from bodycamd.errors import DataError

if TYPE_CHECKING:
    from bodycamd.municipality.station.copy_listing import ListedCopy
    from bodycamd.retention.policy import Hold


class HeldBy(Struct, frozen=True, kw_only=True):
    """What holds a recording. An id of 64 digits is an order's, any other one was placed at the camera."""

    id: str
    ground: str
    reference: str
    by: str
    review_on: str

    @classmethod
    def of(cls, one: Hold) -> HeldBy:
        """What is told of it."""
        return cls(id=one.id, ground=one.ground, reference=one.reference, by=one.by, review_on=one.review_on)


class SentTo(Struct, frozen=True):
    """A receiver that got it, and when."""

    receiver: str
    at: str


class CopyAt(Struct, frozen=True, kw_only=True):
    """A station's copy of a recording. `segments` are those that the camera's ledger states; `here` and `bytes` are in the storage,
    `missing` have not come, `lost` have a receipt and are not in the storage, where nobody deletes them. `deletes_on`: the day on which it
    goes at the latest, unless it is held; empty where nothing dates it, and where nothing of it is here."""

    camera: str
    recording: str
    state: Literal["recording", "part", "whole", "lost", "deleting"]
    segments: int
    here: int
    bytes: int
    missing: list[str]
    lost: list[str]
    receipts: int
    held: list[HeldBy]
    deletes_on: str
    forwarded: list[SentTo]
    problem: str

    @classmethod
    def of(cls, one: ListedCopy) -> CopyAt:
        """What is told of it."""
        from bodycamd.evidence.statements import wall_text

        state: Literal["recording", "part", "whole", "lost", "deleting"] = "recording"
        if one.deleting:
            state = "deleting"
        elif one.lost:
            state = "lost"
        elif one.ended:
            state = "part" if one.missing else "whole"
        return cls(
            camera=one.device,
            recording=one.recording,
            state=state,
            segments=len(one.segments),
            here=sum(segment.here for segment in one.segments),
            bytes=sum(segment.size_bytes for segment in one.segments if segment.here),
            missing=one.missing,
            lost=one.lost,
            receipts=one.receipts,
            held=[HeldBy.of(hold) for hold in one.held],
            deletes_on=wall_text(one.deletes_us)[:10] if one.deletes_us is not None else "",
            forwarded=[SentTo(to.receiver, to.at) for to in one.forwarded],
            problem=one.problem,
        )


def list_copies(
    file: FileArgument = DEFAULT_STATION,
    camera: Annotated[str | None, typer.Option(help="Of this camera alone.")] = None,
    json: AsJson = False,
) -> None:
    """List the recordings that a station holds: how much of each is here, what holds it, when it goes, and to whom it was forwarded.

    It changes nothing, whether the station runs or not. The day is the last one on which the copy goes unless it is held, in UTC. Ends with
    65 where a segment that has a receipt is not in the storage, or a camera's ledger here cannot be relied on.
    """
    from bodycamd.municipality.station.service import listed_copies
    from bodycamd.municipality.station.station_file import load_station

    told = [CopyAt.of(one) for one in listed_copies(load_station(file)) if camera in (None, one.device)]
    if json:
        print_json(told)
    else:
        heads = ("camera", "recording", "state", "segments", "size", "receipts", "held", "goes on", "forwarded to")
        say_lines(table([heads, *map(_row, told)]) if told else ["no recordings"])
    for problem in sorted({one.problem for one in told if one.problem}):
        say(f"bodycamd: {problem}", err=True)
    for one in told:
        for name in one.lost:
            say(f"bodycamd: {one.camera}: {one.recording}/{name} has a receipt and is not in the storage", err=True)
    if any(one.problem or one.lost for one in told):
        raise typer.Exit(DataError.exit_code)


def _row(one: CopyAt) -> tuple[str, ...]:
    held = "; ".join(f"{hold.ground} {hold.reference} by {hold.by}" for hold in one.held)
    goes = "" if one.held else one.deletes_on
    to = "; ".join(f"{sent.receiver} {sent.at[:10]}" for sent in one.forwarded)
    return one.camera, one.recording, one.state, f"{one.here} of {one.segments}", size(one.bytes), str(one.receipts), held, goes, to
