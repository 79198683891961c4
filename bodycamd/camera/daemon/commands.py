"""The control socket's commands about retention. They run in the writer's thread, like all that writes; each answer is a future of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from bodycamd.camera.daemon.socket import Command
from bodycamd.camera.keeping.keeper import Keeper
from bodycamd.camera.recorder.journal import Journal
from bodycamd.camera.recorder.writer import Writer
from bodycamd.errors import UsageError
from bodycamd.evidence.retention_entries import SweepRequested
from bodycamd.evidence.statements import Caller

log = logging.getLogger(__name__)

HOLD_ARGUMENTS = frozenset({"recording", "ground", "reference", "by", "review_on"})
RELEASE_ARGUMENTS = frozenset({"hold", "recording", "ground", "reason", "by"})


class RetentionCommands:
    """Holds and sweeps, once the store is open. `attach` gives the parts."""

    def __init__(self) -> None:
        self._parts: tuple[Keeper, Writer] | None = None

    def attach(self, keeper: Keeper, writer: Writer) -> None:
        """From here on commands are carried out."""
        self._parts = keeper, writer

    def commands(self) -> dict[str, Command]:
        """For the control socket."""
        return {
            "hold_add": Command(lambda a, who: self._ask(lambda k, j: k.add_hold(a, who, j.state_durably)), HOLD_ARGUMENTS, admin=True),
            "hold_release": Command(
                lambda a, who: self._ask(lambda k, j: k.release_hold(a, who, j.state_durably)), RELEASE_ARGUMENTS, admin=True
            ),
            "hold_list": Command(lambda *_: self._ask(lambda k, _: k.list_holds())),
            "retention_plan": Command(lambda *_: self._ask(lambda k, _: k.plan())),
            "sweep": Command(lambda _, who: self._ask(lambda k, j: _sweep(k, j, who)), admin=True),
        }

    def status(self) -> dict[str, Any]:
        """For `status`."""
        return asdict(self._parts[0].summary) if self._parts is not None else {}

    def _ask(self, run: Callable[[Keeper, Journal], Any]) -> asyncio.Future[Any]:
        if self._parts is None:
            raise UsageError("the store is not open yet")
        keeper, writer = self._parts
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Any] = loop.create_future()

        def work(journal: Journal) -> None:
            if answered.cancelled():  # nobody waits any more, and they were told that nothing came of it
                return
            try:
                result, error = run(keeper, journal), None
            except Exception as failure:
                result, error = None, failure
            try:
                loop.call_soon_threadsafe(_answer, answered, result, error)
            except RuntimeError:
                log.debug("an answer that nobody waits for any more")

        writer.work(work)
        return answered


def _answer(answered: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if answered.done():
        return
    if error is not None:
        answered.set_exception(error)
    else:
        answered.set_result(result)


def _sweep(keeper: Keeper, journal: Journal, caller: Caller) -> Mapping[str, Any]:
    """The daemon deletes at once, but in its own steps; what it will delete is the answer."""
    plan = keeper.plan()
    journal.state_durably(SweepRequested(caller=caller))
    keeper.sweep_soon()
    return plan
