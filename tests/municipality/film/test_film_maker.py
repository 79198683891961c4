"""The film maker's last words are heard, however its end and what it was told cross each other."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

import pytest

from bodycamd.errors import DataError
from bodycamd.municipality.film import film_link
from bodycamd.municipality.film.film_maker import FilmMaker
from tests.kit.scale import one_in

FAILED = film_link.Failed("data", "this is why")


def stopped() -> FilmMaker:
    """One whose child does nothing any more; its end of the link is the test's."""
    maker = FilmMaker(lambda: None)
    maker.weaknesses()
    os.kill(maker._process.pid, signal.SIGKILL)
    maker._process.wait(20)
    return maker


@one_in(4)
@pytest.mark.parametrize("unread", [0, 3])
@pytest.mark.parametrize("then", [lambda m: m.write_cues([(0, 1, "x")]), lambda m: m._answer(film_link.Finished)], ids=["send", "answer"])
def test_the_reason_is_told_and_not_the_end(unread: int, then: Callable[[FilmMaker], None]) -> None:
    with stopped() as maker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            ours.setblocking(False)
            maker._poll.unregister(maker._link)
            maker._link.close()
            maker._process.link = maker._link = ours
            maker._poll.register(ours)
            for _ in range(unread):
                maker.write_cues([(0, 1, "not read")])
            film_link.send(theirs, FAILED)
            theirs.close()
            with pytest.raises(DataError, match="this is why"):
                then(maker)
