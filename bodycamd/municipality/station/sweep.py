"""Deletes the station's copies whose term is over (`term`), in steps that each survive a crash.

    log line `deleting`, durable, in the storage too   from here on the copy goes, whatever comes: a hold is too late, a segment is refused
    what is staged of it, its segments                 for good; of an object store every version
    its rows but one, log line `deleted`               in one transaction
    the log in the storage

A crash in between repeats from where it was, at the next sweep, and comes to the same end. What cannot be removed (a file that somebody
has open on a network's disk, an object under another's lock) is told and tried again; the other copies go. Receipts stay: they are a chain.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from msgspec import Struct

from bodycamd.errors import BodycamError, DataError, StoreBusyError
from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.station.copy_index import CopyIndex, Held
from bodycamd.municipality.station.index import Index
from bodycamd.municipality.station.intake import Intake
from bodycamd.municipality.station.leases import Leases
from bodycamd.municipality.station.log_keeping import keep_log
from bodycamd.municipality.station.restored_index import RestoredIndex
from bodycamd.municipality.station.staging import Staging
from bodycamd.municipality.station.station_clock import StationTime
from bodycamd.municipality.station.storage import Storage
from bodycamd.municipality.station.term import Due, decide_copies

log = logging.getLogger(__name__)


class Swept(Struct, frozen=True):
    """What a sweep did: camera and recording of what is gone, held beyond its term or not; what nothing dates; and a sentence for each
    camera or copy that it could not do."""

    deleted: tuple[tuple[str, str], ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    undated: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()


class Sweep:
    """Of one process; several may sweep at once, each camera by one of them at a time. `first_keys` are those of all cameras that the
    roster lists, whatever has become of them. `clock` reads the wall clock: anew for each camera, and once more before each deletion."""

    def __init__(
        self,
        intake: Intake,
        index: Index,
        storage: Storage,
        staging: Staging,
        first_keys: Callable[[], Mapping[str, PublicKey]],
        *,
        days: int,
        clock: Callable[[], StationTime],
    ) -> None:
        self._intake, self._index, self._storage, self._staging = intake, index, storage, staging
        self._copies = CopyIndex(index.database)
        self._leases = Leases(index.database)
        self._restored = RestoredIndex(index.database)
        self._first_keys, self._days, self._clock = first_keys, days, clock

    def run(self) -> Swept:
        """One sweep over all cameras. Raises `StorageError` where the index fails."""
        keys = self._first_keys()
        swept = Swept()
        if (now_us := self._clock().confirmed_us) is not None and self._copies.date_receipts(now_us):
            keep_log(self._index, self._storage)
        if self._restored.waits_for_orders():
            log.error("this station was restored: nothing is deleted until its orders are here again: bodycamd station orders-brought")
        on_their_way = {device for device, _ in self._copies.begun()}
        for device in sorted(on_their_way.union(self._copies.devices())):
            try:
                key = keys.get(device)
                if key is None:
                    raise DataError(f"{device}: the roster lists no such camera: nothing of it is deleted")
                with self._leases.held(f"sweep/{device}") as mine:
                    if mine:
                        swept = _added(swept, self._camera(device, key))
            except StoreBusyError:
                continue  # it is sending; the next sweep is soon
            except BodycamError as error:
                log.error("%s", error)
                swept = _added(swept, Swept(problems=(str(error),)))
        return swept

    def _camera(self, device: str, key: PublicKey) -> Swept:
        with self._intake.facts(device, key) as facts:
            problems = [told for _, recording in self._copies.begun(device) if (told := self._complete(device, recording)) is not None]
            if self._index.newest_line(device) != facts.head:
                return Swept(problems=tuple(problems))  # another process has more of its ledger: a hold may stand in it
            if why := self._restored.why_kept(device, self._clock().wall_us):
                return Swept(problems=(*problems, why))
            held = self._copies.held(device)
            decided = decide_copies(facts, self._copies.copies(device), held.orders, held.released, self._clock().confirmed_us, self._days)
            gone = []
            for due in decided.due:
                if self._begin(device, due, facts.head, held):
                    if (told := self._complete(device, due.copy.recording)) is None:
                        gone.append(due.copy.recording)
                    else:
                        problems.append(told)
        return Swept(
            tuple((device, recording) for recording in gone),
            tuple((device, recording) for recording in decided.held),
            tuple((device, recording) for recording in decided.undated),
            tuple(problems),
        )

    def _begin(self, device: str, due: Due, head: str, held: Held) -> bool:
        now_us = self._clock().confirmed_us
        return now_us is not None and self._copies.begin(device, due, head, held, now_us)

    def _complete(self, device: str, recording: str) -> str | None:
        """What is begun comes to its end, whatever the clock says; or a sentence why not. Raises where no other copy would go either."""
        keep_log(self._index, self._storage)
        try:
            self._staging.drop_recording(device, recording)
            self._storage.delete_recording(device, recording)
        except BodycamError as error:
            log.error("%s", error)
            return str(error)
        self._copies.finish(device, recording, self._clock().wall_us)
        keep_log(self._index, self._storage)
        return None


def _added(first: Swept, second: Swept) -> Swept:
    return Swept(first.deleted + second.deleted, first.held + second.held, first.undated + second.undated, first.problems + second.problems)
