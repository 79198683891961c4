"""The station's index of calls for help: which have come, who was called, who has answered. Each method is one transaction."""

from __future__ import annotations

from contextlib import suppress

from msgspec import Struct
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from bodycamd.errors import StoreBusyError
from bodycamd.evidence.help_call import SignedCall
from bodycamd.evidence.orders import SignedOrder
from bodycamd.municipality.station.database import Database, log_line
from bodycamd.municipality.station.tables import help_calls, help_pushes_over, help_trials

OLDEST_KEPT_US = 28 * 86_400_000_000
"""After so long a call is forgotten but for its line in the log: it names an officer's shift."""

MOST_CALLS = 6
MOST_WITHIN_US = 600_000_000
"""So many new calls of one camera are taken within ten minutes, and as many tests: each costs a message, and the people's attention."""


class TooManyError(StoreBusyError):
    """So many new ones are not taken of one camera."""


class KnownCall(Struct, frozen=True):
    """A call as it stands. Without `file_bytes` the index was made anew since."""

    id: str
    device: str
    test: bool
    file_bytes: bytes
    came_us: int
    called: int
    sent: bytes | None
    answer: bytes | None


class HelpIndex:
    """In the station's database. All methods raise `StorageError`."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, signed: SignedCall, now_us: int) -> KnownCall:
        """A call that has come, with a line of the log; one that is known stays as it is. Raises `TooManyError`."""
        call = signed.call
        with self.database.transaction() as connection:
            found = _find(connection, signed.id)
            if found is None:
                _check_pace(connection, call.camera, call.test, now_us)
                values = {"id": signed.id, "device": call.camera, "test": call.test, "file_bytes": signed.document.file_bytes}
                what = "a test" if call.test else f"call {call.number} of start {call.start}"
                with suppress(IntegrityError), connection.begin_nested():  # another process may take it at the same moment
                    connection.execute(insert(help_calls).values(came_us=now_us, called=0, **values))
                    log_line(connection, now_us, "help_called", call.camera, what, signed.id)
                found = _find(connection, signed.id)
            assert found is not None, "it was added"
            return found

    def forget(self, now_us: int) -> None:
        """Calls that are older than `OLDEST_KEPT_US`."""
        with self.database.transaction() as connection:
            connection.execute(delete(help_calls).where(help_calls.c.came_us < now_us - OLDEST_KEPT_US))

    def restore(self, id: str, device: str, came_us: int) -> None:
        """A call that the log tells of: nobody is called for it again."""
        with self.database.transaction() as connection:
            if _find(connection, id) is None:
                values = {"id": id, "device": device, "test": False, "file_bytes": b"", "came_us": came_us, "called": 0}
                connection.execute(insert(help_calls).values(**values))

    def begin(self, id: str, person: int, next_us: int | None, *, called: int, due_us: int | None = None) -> bool:
        """Person number `person` (from 0) is called now, and the next one at `next_us`, unless somebody answers; whether that is so: not
        where somebody has answered, or no more `called` people were called, or the next one is not due by `due_us`. One transaction: of
        many who ask for the same step one has it.
        """
        mine = update(help_calls).where(help_calls.c.id == id, help_calls.c.called == called, help_calls.c.answer.is_(None))
        if due_us is not None:
            mine = mine.where(help_calls.c.next_us <= due_us)
        if person != called:  # all were called: the first one is next, unless one was reached
            mine = mine.where(help_calls.c.sent.is_(None))
        with self.database.transaction() as connection:
            return connection.execute(mine.values(called=person + 1, next_us=next_us)).rowcount == 1

    def ended(self, id: str, device: str, person: int, way: str, reached: bool, now_us: int, sent: bytes | None) -> None:
        """How it ended for a person, and by which way; `sent` is the confirmation, where it is the first one who was reached."""
        with self.database.transaction() as connection:
            event = "help_reached" if reached else "help_unreached"
            log_line(connection, now_us, event, device, f"number {person + 1} of the list, {way}", id)  # type: ignore[arg-type]
            if sent is not None:
                connection.execute(update(help_calls).where(help_calls.c.id == id, help_calls.c.sent.is_(None)).values(sent=sent))

    def confirm(self, id: str, sent: bytes) -> None:
        """A test is confirmed."""
        with self.database.transaction() as connection:
            connection.execute(update(help_calls).where(help_calls.c.id == id).values(sent=sent))

    def answer(self, call: str, device: str, signed: SignedOrder, now_us: int) -> None:
        """A person has answered; only the first one counts. What is no call of this camera is passed over."""
        with self.database.transaction() as connection:
            here = (help_calls.c.id == call, help_calls.c.device == device, help_calls.c.answer.is_(None))
            values = {"answer": signed.document.file_bytes, "next_us": None}
            if connection.execute(update(help_calls).where(*here).values(**values)).rowcount:
                log_line(connection, now_us, "help_answered", device, f"by {signed.order.person}: call {call}", signed.id)

    def due(self, now_us: int) -> list[KnownCall]:
        """Calls for which the next person is due, the newest first."""
        waiting = select(help_calls).where(help_calls.c.next_us <= now_us, help_calls.c.answer.is_(None))
        query = waiting.order_by(help_calls.c.came_us.desc())
        with self.database.reading() as connection:
            return [_known(row) for row in connection.execute(query)]

    def call(self, id: str) -> KnownCall | None:
        """One of them."""
        with self.database.transaction() as connection:
            return _find(connection, id)

    def calls(self) -> list[KnownCall]:
        """All that are known, oldest first."""
        with self.database.transaction() as connection:
            return [_known(row) for row in connection.execute(select(help_calls).order_by(help_calls.c.came_us, help_calls.c.id))]

    def end_push(self, sha256: str, told: str, now_us: int) -> bool:
        """A subscription to pushes is over; whether nobody had told it before."""
        with self.database.transaction() as connection:
            try:
                with connection.begin_nested():
                    connection.execute(insert(help_pushes_over).values(sha256=sha256, over_us=now_us))
            except IntegrityError:
                return False
            log_line(connection, now_us, "help_push_over", None, told, sha256)
            return True

    def push_is_over(self, sha256: str) -> bool:
        """Whether that was told of a subscription."""
        query = select(help_pushes_over.c.over_us).where(help_pushes_over.c.sha256 == sha256)
        with self.database.reading() as connection:
            return connection.execute(query).first() is not None

    def restore_push_over(self, sha256: str, over_us: int) -> None:
        """One that the log tells of."""
        with self.database.transaction() as connection:
            connection.execute(insert(help_pushes_over).values(sha256=sha256, over_us=over_us))

    def trial(self) -> tuple[int, bool] | None:
        """When the command was last tried with everybody, and whether it ended well."""
        with self.database.transaction() as connection:
            row = connection.execute(select(help_trials)).first()
            return None if row is None else (row.tried_us, row.reached)

    def tried(self, now_us: int, reached: bool, told: str) -> None:
        """It was tried now."""
        with self.database.transaction() as connection:
            connection.execute(delete(help_trials))
            connection.execute(insert(help_trials).values(tried_us=now_us, reached=reached))
            log_line(connection, now_us, "help_tried", None, told, None)


def _check_pace(connection: Connection, device: str, test: bool, now_us: int) -> None:
    lately = help_calls.c.came_us.between(now_us - MOST_WITHIN_US, now_us)
    query = select(func.count()).select_from(help_calls).where(help_calls.c.device == device, help_calls.c.test == test, lately)
    if connection.execute(query).scalar_one() >= MOST_CALLS:
        raise TooManyError(f"{MOST_CALLS} {'tests' if test else 'calls'} of {device} came within ten minutes: no further one is taken now")


def _find(connection: Connection, id: str) -> KnownCall | None:
    row = connection.execute(select(help_calls).where(help_calls.c.id == id)).one_or_none()
    return None if row is None else _known(row)


def _known(row: Row[tuple[object, ...]]) -> KnownCall:
    return KnownCall(row.id, row.device, row.test, row.file_bytes, row.came_us, row.called, row.sent, row.answer)
