"""The roster on the camera: which one is in force, by the ledger's word, and to whom footage is encrypted.

    ROOT                         the root that the camera was prepared with (`keys.root`); a first roster is believed by it
    FIRST                        the roster of the card (`keys.roster`); a newer one that is put there counts from the next start
    rosters/in-force.roster      the one in force, beside the folder of signing keys
    rosters/next.roster          one that is about to be
    rosters/<id>.suspend         what was taken from the one in force since

A roster comes into force in steps that each survive a cut: `next.roster`, durable · entry `roster_accepted`, durable · renamed to
`in-force.roster`. Which one is in force the ledger says, and each start states it again, so that no shortening of the ledger forgets it.
A file that is not the stated one is set aside: then none is in force, no order but the stated roster itself is taken, and footage is
encrypted to the recipients of FIRST.

Footage recipients come from a roster that the root has signed, and from nothing else. A camera that is not enrolled yet is not listed: then
the recipients file of its card says who of the roster's recipients they are. They are chosen when the camera starts: a roster that comes
meanwhile counts for the recordings of the next start.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from bodycamd.config.checks import MAX_RECIPIENTS_BYTES
from bodycamd.config.settings import Config
from bodycamd.errors import BodycamError, ConfigError, DataError, NotFoundError, StorageError
from bodycamd.evidence import roster as rosters
from bodycamd.evidence import suspension as suspensions
from bodycamd.evidence.noted_entries import RosterAccepted, SuspensionAccepted
from bodycamd.evidence.roster import LEAST_RECIPIENTS, MAX_ROSTER_BYTES, Root, Roster, SignedRoster, footage_recipients, signed_enough
from bodycamd.evidence.roster_acceptance import Decision, Now, judge
from bodycamd.evidence.statements import Stated
from bodycamd.evidence.strict_json import MAX_JSON_BYTES
from bodycamd.evidence.suspension import SignedSuspension
from bodycamd.linux import durable
from bodycamd.linux.foreign import read_file, read_named

log = logging.getLogger(__name__)

FOLDER = "rosters"
IN_FORCE, NEXT, SET_ASIDE = "in-force.roster", "next.roster", "set-aside.roster"
MAX_SUSPENSIONS = 16
MAX_ROOT_BYTES = 4096
Enter = Callable[[Stated], object]


class Prepared(Struct, frozen=True):
    """What the card brought: the root, the first roster, and where rosters are kept."""

    root: Root
    first: SignedRoster
    folder: Path


def prepared(config: Config) -> Prepared | None:
    """`None` where no root is configured. Raises `ConfigError` for a root that is none, and a roster that it has not signed."""
    if config.keys.root is None or config.keys.roster is None:
        return None
    root_file, first_file = Path(config.keys.root), Path(config.keys.roster)
    try:
        root = msgspec.json.decode(read_named(root_file, MAX_ROOT_BYTES), type=Root)
        first = rosters.decode(read_named(first_file, 2 * MAX_ROSTER_BYTES), str(first_file))
        by_root = signed_enough(first.document, root)
    except (BodycamError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ConfigError(f"keys.root, keys.roster: {error}; allowed: the root and the roster that the card brought") from error
    folder = Path(config.keys.signing).parent / FOLDER
    if not by_root and not _follows(first, folder):
        raise ConfigError(f"keys.roster: {first_file}: not signed by the root of {root_file}; allowed: a roster of this municipality")
    return Prepared(root, first, folder)


def recipients_text(config: Config, found: Prepared | None) -> str:
    """The recipients of this camera's footage, one a line. Raises `ConfigError`, `OSError` where a recipients file is asked for."""
    if found is None:
        return Path(config.keys.recipients).read_text(encoding="utf-8")
    kept = _kept(found.folder, IN_FORCE)
    in_force = kept if kept is not None and _signed_by_own_root(kept, found.root) else found.first
    camera = in_force.roster.camera(config.device_id)
    names = footage_recipients(in_force.roster, camera.team) if camera is not None else _of_card(config, in_force.roster)
    return "".join(f"{name}\n" for name in names)


class Rosters:
    """The roster in force. `take` while the ledger is read, then `begin`; from then on in the thread that writes the ledger.

    `in_force` and `suspended` may be read from any thread: they are replaced as a whole.
    """

    def __init__(self, found: Prepared) -> None:
        self.in_force: SignedRoster | None = None
        self.suspended: tuple[SignedSuspension, ...] = ()
        self._found = found
        self._stated: RosterAccepted | None = None
        self._stated_suspensions: set[str] = set()

    def take(self, detail: Stated | None) -> None:
        """The detail of one verified entry, oldest first."""
        if isinstance(detail, RosterAccepted):
            self._stated = detail
        elif isinstance(detail, SuspensionAccepted):
            self._stated_suspensions.add(detail.sha256)

    def begin(self, now: Now, enter: Enter) -> None:
        """Bring the stated roster into force and state it again; take the card's where it is newer. Raises `StorageError`, also where
        another file was in the place of the stated roster: the next start does without it."""
        try:
            durable.make_folder(self._found.folder)
        except OSError as error:
            raise StorageError(f"{self._found.folder}: cannot be made: {error.strerror}") from error
        if self._stated is not None:
            self.in_force = self._find(self._stated)
            if self.in_force is not None:
                enter(self._stated)
                self.suspended = tuple(self._suspensions(self.in_force))
        kept = _kept(self._found.folder, IN_FORCE) if self.in_force is None else None
        for candidate in (kept, self._found.first):
            if candidate is not None:
                decision = self._judged(candidate, now)
                if decision.outcome == "accepted":
                    self._accept(candidate, enter)
                elif not decision.accepted and decision.outcome != "older":
                    log.warning("the roster of version %d is not taken: %s", candidate.roster.version, decision.why)
        if self.in_force is None:
            log.error("no roster is in force: no order is carried out")

    def offer(self, candidate: SignedRoster, now: Now, enter: Enter) -> Decision:
        """What becomes of a roster that somebody brings; durable and stated where it is accepted. Raises `StorageError`."""
        decision = self._judged(candidate, now)
        if decision.outcome == "accepted":
            self._accept(candidate, enter)
        return decision

    def suspend(self, candidate: SignedSuspension, enter: Enter) -> suspensions.Outcome:
        """Whether a suspension that somebody brings is taken from the roster in force; durable and stated where it is. One that was taken
        already is `accepted` again. Raises `DataError` for one too many, and `StorageError`."""
        if self.in_force is None:
            return "other_roster"
        outcome = suspensions.judge(candidate, self.in_force)
        if outcome != "accepted" or any(known.document.sha256 == candidate.document.sha256 for known in self.suspended):
            return outcome
        if len(self.suspended) >= MAX_SUSPENSIONS:
            raise DataError(f"{MAX_SUSPENSIONS} suspensions are taken from this roster already: sign the next roster")
        self._write(f"{candidate.document.sha256}.suspend", candidate.document.file_bytes)
        by, roster = candidate.suspension.by, candidate.suspension.roster
        enter(SuspensionAccepted(sha256=candidate.document.sha256, roster=roster, by=by))
        self.suspended = (*self.suspended, candidate)
        return outcome

    def _judged(self, candidate: SignedRoster, now: Now) -> Decision:
        if self.in_force is not None:
            return judge(candidate, self.in_force, now)
        if self._stated is not None:
            if candidate.document.sha256 == self._stated.sha256:
                return Decision("accepted")
            return Decision("not_signed", "the roster that the ledger states is missing here: only that one is taken")
        return judge(candidate, self._found.root, now)

    def _accept(self, candidate: SignedRoster, enter: Enter) -> None:
        root_version, version = candidate.roster.order
        self._write(NEXT, candidate.document.file_bytes)
        stated = RosterAccepted(
            sha256=candidate.document.sha256,
            root_version=root_version,
            version=version,
            municipality=candidate.roster.municipality,
            not_after=candidate.roster.not_after,
        )
        enter(stated)
        before = self.suspended
        self._stated, self.in_force, self.suspended = stated, candidate, ()
        self._move(NEXT, IN_FORCE)
        for one in before:
            (self._found.folder / f"{one.document.sha256}.suspend").unlink(missing_ok=True)

    def _find(self, stated: RosterAccepted) -> SignedRoster | None:
        """The stated roster. Raises `StorageError` where another one is in its place."""
        kept, following = _kept(self._found.folder, IN_FORCE), _kept(self._found.folder, NEXT)
        if kept is not None and kept.document.sha256 == stated.sha256:
            return kept
        if following is not None and following.document.sha256 == stated.sha256:
            self._move(NEXT, IN_FORCE)
            return following
        if os.path.lexists(self._found.folder / IN_FORCE):
            self._move(IN_FORCE, SET_ASIDE)
            where = self._found.folder / IN_FORCE
            raise StorageError(f"{where}: not the roster that the ledger states ({stated.sha256[:16]}…); it was set aside: start again")
        return None

    def _suspensions(self, in_force: SignedRoster) -> Iterator[SignedSuspension]:
        for sha256 in sorted(self._stated_suspensions):
            try:
                raw = read_file(self._found.folder / f"{sha256}.suspend", 2 * MAX_JSON_BYTES)
                found = suspensions.decode(raw, sha256)
            except NotFoundError:
                continue  # of a roster before
            except BodycamError as error:
                log.error("a suspension cannot be read: %s", error)
                continue
            if found.document.sha256 == sha256 and suspensions.judge(found, in_force) == "accepted":
                yield found

    def _write(self, name: str, raw: bytes) -> None:
        try:
            durable.replace(self._found.folder / name, raw, 0o600)
        except OSError as error:
            raise StorageError(f"{self._found.folder / name}: cannot be written: {error.strerror}") from error

    def _move(self, old: str, new: str) -> None:
        try:
            os.rename(self._found.folder / old, self._found.folder / new)
            durable.sync_folder(self._found.folder)
        except OSError as error:
            raise StorageError(f"{self._found.folder / old}: cannot be renamed: {error.strerror}") from error


def _kept(folder: Path, name: str) -> SignedRoster | None:
    """A roster that this camera has kept; `None` where it is missing or damaged."""
    try:
        return rosters.decode(read_file(folder / name, 2 * MAX_ROSTER_BYTES), name)
    except NotFoundError:
        return None
    except BodycamError as error:
        log.error("a kept roster cannot be read: %s", error)
        return None


def _signed_by_own_root(kept: SignedRoster, root: Root) -> bool:
    """As far as can be said without the ledger: a root of the same version is the camera's own."""
    own = kept.roster.root
    try:
        return (own == root or own.version > root.version) and signed_enough(kept.document, own)
    except DataError:
        return False


def _follows(first: SignedRoster, folder: Path) -> bool:
    """Whether the card's roster is of a root that the one in force has, or leads to: after a change of the root."""
    kept = _kept(folder, IN_FORCE)
    try:
        return kept is not None and signed_enough(first.document, kept.roster.root)
    except DataError:
        return False


def _of_card(config: Config, roster: Roster) -> tuple[str, ...]:
    path = Path(config.keys.recipients)
    try:
        text = read_named(path, MAX_RECIPIENTS_BYTES).decode()
    except (BodycamError, UnicodeDecodeError) as error:
        raise ConfigError(f"keys.recipients: {error}") from error
    names = tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    known = {name for team in roster.teams for name in footage_recipients(roster, team.id)}
    if len(set(names)) < LEAST_RECIPIENTS or not set(names) <= known:
        wanted = f"at least {LEAST_RECIPIENTS} footage recipients of the roster (keys.roster), and nobody else"
        raise ConfigError(
            f"keys.recipients: {path}: {config.device_id} is not in the roster yet, and this file names others; allowed: {wanted}"
        )
    return names
