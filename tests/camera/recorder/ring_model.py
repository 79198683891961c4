"""What the ring does, said as simply as it can be: after every call all fragments are looked at anew. Slow, and without threads."""

from __future__ import annotations

from bodycamd.camera.recorder.ring import MAX_FRAGMENTS, Claim, RingStats
from bodycamd.footage import EncryptedFragment, EncryptedInit


class ModelRing:
    """The methods of `Ring` that change or tell its content; `overflows` are the fragments and microseconds of each overflow."""

    def __init__(self, *, seconds: float, max_bytes: int, pre_event_seconds: float) -> None:
        self.max_us, self.max_bytes, self.pre_event_us = round(seconds * 1e6), max_bytes, round(pre_event_seconds * 1e6)
        self.fragments: list[EncryptedFragment] = []
        self.inits: set[int] = set()
        self.claims: list[Claim] = []
        self.retained_us: int | None = None
        self.newest_end_us = self.newest_seq = self.forgotten = self.newest_generation = self.ended_generation = 0
        self.overflows: list[tuple[int, int]] = []
        self.refused = 0

    def put_init(self, init: EncryptedInit) -> None:
        self.inits.add(init.generation)
        self.newest_generation = max(self.newest_generation, init.generation)
        self.settle()

    def put(self, fragment: EncryptedFragment) -> None:
        if fragment.facts.generation not in self.inits or fragment.seq <= self.newest_seq:
            self.refused += 1
        else:
            self.newest_seq = fragment.seq
            self.newest_end_us = max(self.newest_end_us, fragment.facts.end_us)
            self.fragments.append(fragment)
        self.settle()

    def ended(self, generation: int) -> None:
        self.ended_generation = max(self.ended_generation, generation)
        self.settle()

    def retain_from(self, from_us: int | None) -> None:
        self.retained_us = from_us
        self.settle()

    def empty(self) -> None:
        self.forgotten = self.newest_seq
        self.settle()

    def expire(self, now_us: int) -> None:
        self.newest_end_us = max(self.newest_end_us, now_us)
        self.settle()

    def claim(self, from_us: int) -> Claim:
        self.claims.append(claim := Claim(from_us))
        self.settle()
        return claim

    def release(self, claim: Claim) -> tuple[int, int]:
        left = [fragment for fragment in self.fragments if claim in self.claims and claim.wants(fragment)]
        self.claims = [other for other in self.claims if other is not claim]
        self.settle()
        return len(left), sum(fragment.facts.duration_us for fragment in left)

    def durable(self, claim: Claim, seq: int) -> None:
        claim.done_seq = max(claim.done_seq, seq)
        claim.taken_seq = max(claim.taken_seq, claim.done_seq)
        self.settle()

    def give_back(self, claim: Claim) -> None:
        claim.taken_seq = claim.done_seq
        self.settle()

    def waiting(self, claim: Claim) -> list[int]:
        return [fragment.seq for fragment in self.fragments if claim.wants(fragment) and fragment.seq > claim.taken_seq]

    def stats(self) -> RingStats:
        unwritten = [fragment for fragment in self.fragments if any(claim.wants(fragment) for claim in self.claims)]
        lost = sum(fragments for fragments, _ in self.overflows)
        return RingStats(len(self.fragments), self.held_us / 1e6, self.held_bytes, len(unwritten), lost, self.refused)

    @property
    def held_us(self) -> int:
        return sum(fragment.facts.duration_us for fragment in self.fragments)

    @property
    def held_bytes(self) -> int:
        return sum(len(fragment.age) for fragment in self.fragments)

    def asked_for(self, fragment: EncryptedFragment) -> bool:
        if any(claim.wants(fragment) for claim in self.claims):
            return True
        if fragment.seq <= self.forgotten or self.retained_us is None or fragment.facts.end_us <= self.retained_us:
            return False
        return not any(claim.has(fragment) for claim in self.claims)

    def recent(self, fragment: EncryptedFragment) -> bool:
        in_time = self.pre_event_us > 0 and fragment.facts.end_us > self.newest_end_us - self.pre_event_us
        return in_time and fragment.seq > self.forgotten

    def settle(self) -> None:
        self.fragments = [fragment for fragment in self.fragments if self.asked_for(fragment) or self.recent(fragment)]
        lost: list[int] = []
        while self.held_us > self.max_us or self.held_bytes > self.max_bytes or len(self.fragments) > MAX_FRAGMENTS:
            unasked = [fragment for fragment in self.fragments if not self.asked_for(fragment)]
            free = unasked or [f for f in self.fragments if not any(claim.holds(f) for claim in self.claims)]
            if not free:
                break
            self.fragments.remove(free[0])
            lost += [] if unasked else [free[0].facts.duration_us]
        if lost:
            self.overflows.append((len(lost), sum(lost)))
        played = {fragment.facts.generation for fragment in self.fragments}
        self.inits = {g for g in self.inits if g in played or (g > self.ended_generation and g >= self.newest_generation)}
