"""`bodycamd hold … --store COPY`: holds at a copy, signed by a person's key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.people import listed
from bodycamd.cli.person import load
from bodycamd.cli.place import find_place
from bodycamd.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bodycamd.municipality.copies.copy_holds import CopyHoldInfo
    from bodycamd.retention.holds import HoldRequest, ReleasedHold, ReleaseRequest

CopyOption = Annotated[
    Path | None, typer.Option("--store", help="A copy (a folder that `bodycamd offload` made), in place of the camera.", readable=False)
]


def at_copy(store: Path | None, key: Path | None, config: Path | None) -> bool:
    """Whether a copy is meant. Raises `UsageError` where half of what it takes is there, or where `config` is of another store."""
    if (store is None) != (key is None):
        raise UsageError("a hold at a copy needs both: --store, the copy, and --key, who signs it")
    if store is not None:
        find_place(store, config)
    return store is not None


def hold_copy(store: Path | None, key: Path | None, passphrase_file: Path | None, people: Path | None, asked: HoldRequest) -> CopyHoldInfo:
    """Place a hold. Raises as `copy_holds.add_hold` does."""
    from bodycamd.municipality.copies.copies import now_us
    from bodycamd.municipality.copies.copy_holds import CopyHoldInfo, add_hold

    assert store is not None
    assert key is not None
    signer = load(key, passphrase_file)
    return CopyHoldInfo.of_copy(add_hold(store, signer, listed(people), asked, now_us()))


def release_copy(
    store: Path | None, key: Path | None, passphrase_file: Path | None, people: Path | None, asked: ReleaseRequest
) -> ReleasedHold:
    """Release one. Only a key of --people releases: anybody else's word would let footage go. Raises as `copy_holds.release_hold` does."""
    from bodycamd.municipality.copies.copies import now_us, read_copy
    from bodycamd.municipality.copies.copy_holds import release_hold
    from bodycamd.retention.holds import ReleasedHold

    assert store is not None
    assert key is not None
    known, signer = listed(people), load(key, passphrase_file)
    if signer.public.id not in known:
        raise UsageError("--key: to release a hold at a copy its key must be in --people")
    released = release_hold(store, signer, known, asked, now_us())
    record = read_copy(store, known)
    left = record.holds.get(released.recording, {}).values() if record is not None else ()
    still: list[str] = [hold.added.ground for hold in left]
    return ReleasedHold(hold=released.hold, recording=released.recording, ground=released.ground, still_held_for=still)


def list_copy(store: Path, people: Path | None) -> list[CopyHoldInfo]:
    """Every hold at the copy; none where no record of it exists. Raises `NotFoundError` where there is no such folder, `DataError` where
    its record is damaged."""
    from bodycamd.errors import DataError
    from bodycamd.municipality.copies.copies import read_copy
    from bodycamd.municipality.copies.copy_holds import CopyHoldInfo

    record = read_copy(store, listed(people))
    if record is None:
        if not store.is_dir():
            raise NotFoundError(f"{store}: there is no such folder")
        return []
    if record.failure:
        raise DataError(f"{store}: {record.failure}")
    return [CopyHoldInfo.of_copy(hold) for _, held in sorted(record.holds.items()) for hold in held.values()]
