"""The ring of encrypted fragments in memory: pre-event buffer in standby, cushion for a slow disk while recording.

Guarantees
- Never more than `max_bytes` and `seconds` of footage, whatever is asked of it; what is on its way to the disk counts.
- In standby only the pre-event length is kept; with a pre-event length of 0 a fragment that nobody asked for is not kept at all.
- What `retain_from` or a `Claim` asks for stays, until the bounds are hit. Then the oldest that is not yet on disk goes first, is counted,
  and `RingOverflowed` is posted. Fragments of a running disk operation are not dropped: that would free nothing.
- After `empty` nothing is left but what an open recording has still to write, and that goes as soon as it is on disk.

Not guaranteed: that footage outlives the process. The ring is memory; only `FragmentDurable` says more.

Every method may be called from any thread and in any order. One lock, one condition; nothing slow is done under the lock. A fragment in, a
look at the clock, a fragment on disk cost the same however many are held: what goes is at the old end. Only who waits for what came is
woken.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile

from msgspec import Struct

from bodycamd.camera.control.events import RingOverflowed
from bodycamd.footage import EncryptedFragment, EncryptedInit

MAX_FRAGMENTS = 4096
"""A bound for a worker that sends very many very small fragments: the longest ring of the shortest GOP has 600."""


class RingStats(Struct, frozen=True):
    """What the ring holds now, and what it had to drop or refuse since it was made."""

    fragments: int
    seconds: float
    bytes: int
    unwritten: int
    """How many of the fragments a recording has still to get onto the disk."""
    overflowed: int
    """Fragments that were asked for and dropped for lack of room."""
    refused: int
    """Fragments that cannot be used: no init segment of their generation, or a `seq` that does not grow."""


class Batch(Struct, frozen=True):
    """Fragments of one generation that wait to be written, oldest first, and the init segment that plays them."""

    init: EncryptedInit
    fragments: tuple[EncryptedFragment, ...]


class Claim:
    """A recording's right to every fragment that ends after `from_us`, from the ring and from now on. Only the ring looks inside."""

    __slots__ = ("done_seq", "from_us", "taken_seq")

    def __init__(self, from_us: int) -> None:
        self.from_us = from_us
        self.taken_seq = 0
        self.done_seq = 0

    def wants(self, fragment: EncryptedFragment) -> bool:
        """Whether this fragment has still to become durable for this claim."""
        return fragment.facts.end_us > self.from_us and fragment.seq > self.done_seq

    def has(self, fragment: EncryptedFragment) -> bool:
        """Whether this fragment is durable for this claim."""
        return fragment.facts.end_us > self.from_us and fragment.seq <= self.done_seq

    def holds(self, fragment: EncryptedFragment) -> bool:
        """Whether this fragment is on its way to the disk."""
        return self.wants(fragment) and fragment.seq <= self.taken_seq


class Ring:
    """Bounded memory of encrypted fragments between the link reader and the writer.

    `seconds` bounds the sum of the fragments' lengths, `max_bytes` their age files; `pre_event_seconds` is what standby keeps.
    `on_overflow` receives `RingOverflowed` on the thread that called, without the lock.
    """

    def __init__(self, *, seconds: float, max_bytes: int, pre_event_seconds: float, on_overflow: Callable[[RingOverflowed], None]) -> None:
        self._max_us = round(seconds * 1e6)
        self._max_bytes = max_bytes
        self._pre_event_us = round(pre_event_seconds * 1e6)
        self._on_overflow = on_overflow
        self._changed = threading.Condition()
        self._fragments: deque[EncryptedFragment] = deque()
        self._of_generation: Counter[int] = Counter()
        self._ascending = True
        """Whether no held fragment ends before the one before it."""
        self._inits: dict[int, EncryptedInit] = {}
        self._claims: list[Claim] = []
        self._retain_from_us: int | None = None
        self._newest_end_us = 0
        self._newest_seq = 0
        self._forget_through_seq = 0
        self._newest_generation = 0
        self._ended_generation = 0
        self._endings = 0
        self._bytes = 0
        self._us = 0
        self._overflowed = 0
        self._refused = 0

    # --- the link reader ----------------------------------------------------------------------------------------------------------------

    def put_init(self, init: EncryptedInit) -> None:
        """Take the init segment of a generation (the first one counts). Earlier generations have ended with it: one camera, one worker."""
        with self._change():
            self._inits.setdefault(init.generation, init)
            self._newest_generation = max(self._newest_generation, init.generation)

    def put(self, fragment: EncryptedFragment) -> None:
        """Take a fragment. Without its init segment, or with a `seq` that does not grow, it cannot be used: counted and dropped."""
        with self._change():
            if fragment.facts.generation not in self._inits or fragment.seq <= self._newest_seq:
                self._refused += 1
                return
            self._newest_seq = fragment.seq
            self._newest_end_us = max(self._newest_end_us, fragment.facts.end_us)
            self._append(fragment)
            if any(claim.wants(fragment) for claim in self._claims):
                self._changed.notify_all()

    def ended(self, generation: int) -> None:
        """No more fragments of this generation will come: the camera was closed, or its worker killed."""
        with self._change():
            self._ended_generation = max(self._ended_generation, generation)
            self._endings += 1
            self._changed.notify_all()

    # --- the control --------------------------------------------------------------------------------------------------------------------

    def retain_from(self, from_us: int | None) -> None:
        """Do not evict fragments that end after `from_us`; `None`: back to the pre-event length (claims stand either way).

        What an open recording already has on disk is not retained for this.
        """
        with self._change():
            self._retain_from_us = from_us

    def empty(self) -> None:
        """Forget everything that is not part of a recording, now; and what an open recording has still to write, once that is on disk.

        The init segment of a camera that is still open stays: it holds no footage, and what comes next could not be played without it. It
        goes when the generation ends.
        """
        with self._change():
            self._forget_through_seq = self._newest_seq

    def expire(self, now_us: int) -> None:
        """Evict by the clock what is older than the pre-event length: for a camera that gives no more fragments (else `put` does it)."""
        with self._changed:
            self._newest_end_us = max(self._newest_end_us, now_us)
            holds_none = not self._fragments
        if not holds_none:
            with self._change():
                pass

    def stats(self) -> RingStats:
        """What is held, dropped and refused."""
        with self._changed:
            unwritten = sum(1 for fragment in self._fragments if any(claim.wants(fragment) for claim in self._claims))
            return RingStats(len(self._fragments), self._us / 1e6, self._bytes, unwritten, self._overflowed, self._refused)

    # --- the writer ---------------------------------------------------------------------------------------------------------------------

    def claim(self, from_us: int) -> Claim:
        """From now on keep every fragment that ends after `from_us` until `durable` says that it is on disk, or `release`."""
        claim = Claim(from_us)
        with self._change():
            self._claims.append(claim)
        return claim

    def release(self, claim: Claim, until_us: int | None = None) -> tuple[int, int]:
        """The recording is over. Returns how many fragments before `until_us` did not get onto the disk, and their length in µs."""
        with self._change():
            known = any(other is claim for other in self._claims)
            left = [f for f in self._fragments if known and claim.wants(f) and (until_us is None or f.facts.pts_us < until_us)]
            self._claims = [other for other in self._claims if other is not claim]
        return len(left), sum(fragment.facts.duration_us for fragment in left)

    def take(
        self, claim: Claim, *, max_bytes: int, before_us: int | None = None, span_us: int | None = None, until_us: int | None = None
    ) -> Batch | None:
        """All that waits for the claim, oldest first, as one batch; `None` if nothing waits.

        A batch is of one generation, up to about `max_bytes`, but at least one fragment. It ends before a fragment that begins at
        `before_us` or later, where the growing segment is full; if that is the first one already, the batch is for a new segment of
        `span_us`. `until_us` is strict: no fragment that begins there or later.
        """
        with self._changed:
            chosen: list[EncryptedFragment] = []
            size = 0
            for fragment in self._waiting(claim):
                if until_us is not None and fragment.facts.pts_us >= until_us:
                    break
                if not chosen and span_us is not None and (before_us is None or fragment.facts.pts_us >= before_us):
                    before_us = fragment.facts.pts_us + span_us
                full = size + len(fragment.age) > max_bytes or (before_us is not None and fragment.facts.pts_us >= before_us)
                if chosen and (full or fragment.facts.generation != chosen[0].facts.generation):
                    break
                chosen.append(fragment)
                size += len(fragment.age)
            if not chosen:
                return None
            claim.taken_seq = chosen[-1].seq
            return Batch(self._inits[chosen[0].facts.generation], tuple(chosen))

    def durable(self, claim: Claim, seq: int) -> None:
        """Everything the claim has taken up to `seq` is on disk."""
        with self._change():
            claim.done_seq = max(claim.done_seq, seq)
            claim.taken_seq = max(claim.taken_seq, claim.done_seq)

    def give_back(self, claim: Claim) -> None:
        """What was taken and is not durable waits again: its disk operation failed."""
        with self._change():
            claim.taken_seq = claim.done_seq

    def waits(self, claim: Claim, until_us: int | None = None) -> bool:
        """Whether a fragment (that begins before `until_us`) waits for the claim."""
        with self._changed:
            return any(until_us is None or fragment.facts.pts_us < until_us for fragment in self._waiting(claim))

    def wake(self) -> None:
        """Let `wait` look again."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, claim: Claim | None, seconds: float, also: Callable[[], bool]) -> None:
        """Return when a fragment waits for the claim, when `also()` is true, or after `seconds`.

        `also` is asked when a fragment came that a claim wants, when a generation ended, and after `wake`.
        """
        with self._changed:
            self._changed.wait_for(lambda: also() or (claim is not None and bool(self._waiting(claim))), timeout=seconds)

    def endings(self) -> tuple[int, bool]:
        """How often `ended` was called, and whether the newest generation is still open."""
        with self._changed:
            return self._endings, self._newest_generation > self._ended_generation

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Every change of state: evicts what it freed, and reports an overflow without the lock."""
        with self._changed:
            yield
            overflow = self._settle()
        if overflow is not None:
            self._on_overflow(overflow)

    # --- under the lock -----------------------------------------------------------------------------------------------------------------

    def _append(self, fragment: EncryptedFragment) -> None:
        if self._fragments and fragment.facts.end_us < self._fragments[-1].facts.end_us:
            self._ascending = False
        self._fragments.append(fragment)
        self._of_generation[fragment.facts.generation] += 1
        self._us += fragment.facts.duration_us
        self._bytes += len(fragment.age)

    def _forget(self, fragment: EncryptedFragment) -> None:
        """It was taken from the fragments: reckon without it."""
        generation = fragment.facts.generation
        self._of_generation[generation] -= 1
        if not self._of_generation[generation]:
            del self._of_generation[generation]
        self._us -= fragment.facts.duration_us
        self._bytes -= len(fragment.age)

    def _waiting(self, claim: Claim) -> list[EncryptedFragment]:
        """From the newest back to the last that was taken: `seq` grows."""
        waiting = [f for f in takewhile(lambda f: f.seq > claim.taken_seq, reversed(self._fragments)) if claim.wants(f)]
        waiting.reverse()
        return waiting

    def _asked_for(self, fragment: EncryptedFragment) -> bool:
        if any(claim.wants(fragment) for claim in self._claims):
            return True
        remembered = fragment.seq > self._forget_through_seq
        retained = remembered and self._retain_from_us is not None and fragment.facts.end_us > self._retain_from_us
        return retained and not any(claim.has(fragment) for claim in self._claims)

    def _kept(self, fragment: EncryptedFragment) -> bool:
        if self._asked_for(fragment):
            return True
        recent = self._pre_event_us > 0 and fragment.facts.end_us > self._newest_end_us - self._pre_event_us
        return recent and fragment.seq > self._forget_through_seq

    def _settle(self) -> RingOverflowed | None:
        """Evict what nobody needs, then what does not fit; forget init segments that play nothing any more."""
        self._evict()
        lost = lost_us = 0
        while self._us > self._max_us or self._bytes > self._max_bytes or len(self._fragments) > MAX_FRAGMENTS:
            index = self._first_to_go()
            if index is None:
                break
            gone = self._fragments[index]
            del self._fragments[index]
            self._forget(gone)
            if self._asked_for(gone):
                lost += 1
                lost_us += gone.facts.duration_us
        self._overflowed += lost
        for generation in [g for g in self._inits if g <= self._ended_generation or g < self._newest_generation]:
            if generation not in self._of_generation:
                del self._inits[generation]
        return RingOverflowed(lost, lost_us) if lost else None

    def _evict(self) -> None:
        """Let go of what nobody needs.

        Where fragments end in their order, each reason to keep one keeps all that are newer, too; only of the wish to retain is excepted
        what the recording has on disk. So what goes is the oldest, and the oldest of what the recording covers.
        """
        if not self._ascending or (self._retain_from_us is not None and len(self._claims) > 1):
            gone = [fragment for fragment in self._fragments if not self._kept(fragment)]
            if gone:
                self._fragments = deque(filter(self._kept, self._fragments))
            for fragment in gone:
                self._forget(fragment)
        else:
            self._evict_oldest()
            if self._retain_from_us is not None and self._claims:
                from_us = self._claims[0].from_us
                before = sum(1 for _ in takewhile(lambda fragment: fragment.facts.end_us <= from_us, self._fragments))
                if 0 < before < len(self._fragments) and not self._kept(self._fragments[before]):
                    self._fragments.rotate(-before)
                    self._evict_oldest()
                    self._fragments.rotate(before)
        if not self._fragments:
            self._ascending = True

    def _evict_oldest(self) -> None:
        while self._fragments and not self._kept(self._fragments[0]):
            self._forget(self._fragments.popleft())

    def _first_to_go(self) -> int | None:
        """The oldest that nobody asked for, else the oldest that is not on its way to the disk."""
        for index, fragment in enumerate(self._fragments):
            if not self._asked_for(fragment):
                return index
        for index, fragment in enumerate(self._fragments):
            if not any(claim.holds(fragment) for claim in self._claims):
                return index
        return None
