"""What goes over a slow link can be decoded, is young, and is in order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bodycamd.live import outgoing
from bodycamd.live.objects import AAC, CONTROL, MAIN, VIDEO, Head, read
from bodycamd.live.outgoing import GROUP_AGE_US, MOST_BYTES, PICTURE_AGE_US, SOUND_AGE_US, Outgoing
from tests.kit.scale import count

FRAME_US = 33_333


def picture(number: int, capture_us: int, *, begins: bool, group: int, size: int = 100, session: int = 1) -> tuple[Head, bytes]:
    head = Head(VIDEO, begins, MAIN, group, number, capture_us, session)
    return head, head.bytes + bytes(size)


def sound(number: int, capture_us: int) -> tuple[Head, bytes]:
    head = Head(AAC, False, MAIN, 0, number, capture_us, 1)
    return head, head.bytes + bytes(20)


def word(number: int) -> tuple[Head, bytes]:
    head = Head(CONTROL, False, MAIN, 0, number, 0, 1)
    return head, head.bytes + b"keys"


Steps = st.lists(
    st.tuples(st.sampled_from(["frame", "key", "sound", "word", "take", "stall", "lose", "session"]), st.integers(1, 60)), max_size=120
)


@given(Steps)
def test_whatever_the_link_does_what_goes_can_be_decoded_and_is_young(steps: list[tuple[str, int]]) -> None:
    queue, now_us, number, group, sounds, words, session = Outgoing(), 10_000_000, 0, 0, 0, 0, 1
    put_words: list[bytes] = []
    gone: list[bytes] = []
    for step, times in steps:
        if step in ("frame", "key", "lose"):
            for each in range(times if step == "frame" else 1):
                begins = step == "key" and each == 0
                number, group, now_us = number + 1, group + begins, now_us + FRAME_US
                if step != "lose":
                    queue.put(*picture(number, now_us, begins=begins, group=group, session=session), now_us)
        elif step == "sound":
            sounds += 1
            queue.put(*sound(sounds, now_us), now_us)
        elif step == "word":
            words += 1
            put_words.append(word(words)[1])
            queue.put(*word(words), now_us)
        elif step == "stall":
            now_us += times * FRAME_US
        elif step == "session":
            session, number, group = session + 1, 0, 0
        else:
            for _ in range(times):
                raw = queue.take(now_us)
                if raw is None:
                    break
                gone.append(raw)
                head = read(raw)[0]
                if head.kind == VIDEO:
                    assert now_us - head.capture_us <= max(PICTURE_AGE_US, GROUP_AGE_US)
                elif head.kind == AAC:
                    assert now_us - head.capture_us <= SOUND_AGE_US
    while (raw := queue.take(now_us)) is not None:
        gone.append(raw)
    heads = [read(raw)[0] for raw in gone]
    assert [raw for raw in gone if read(raw)[0].kind == CONTROL] == put_words, "no word about keys is lost or told twice"
    last: Head | None = None
    for head in (head for head in heads if head.kind == VIDEO):
        follows = last is not None and (head.session, head.group, head.number) == (last.session, last.group, last.number + 1)
        assert head.begins_group or follows
        last = head
    numbers = [head.number for head in heads if head.kind == AAC]
    assert numbers == sorted(set(numbers))


def test_on_a_link_that_keeps_up_nothing_is_dropped() -> None:
    queue = Outgoing()
    for number in range(count(300)):
        now_us = 1_000_000 + number * FRAME_US
        queue.put(*picture(number, now_us, begins=number % 30 == 0, group=number // 30), now_us)
        queue.put(*sound(number, now_us), now_us)
        assert queue.take(now_us) is not None
        assert queue.take(now_us) is not None
        assert queue.take(now_us) is None
    assert queue.dropped == 0


def test_after_a_stall_the_newest_group_goes_on() -> None:
    queue = Outgoing()
    for number in range(75):
        queue.put(*picture(number, number * FRAME_US, begins=number % 30 == 0, group=number // 30), number * FRAME_US)
    raw = queue.take(75 * FRAME_US)
    assert raw is not None
    assert (read(raw)[0].number, read(raw)[0].begins_group, queue.dropped) == (60, True, 60)


def test_where_no_group_is_young_a_keyframe_is_wanted() -> None:
    queue = Outgoing()
    assert queue.wants_group, "to begin with"
    for number in range(60):
        queue.put(*picture(number, number * FRAME_US, begins=number == 0, group=0), number * FRAME_US)
    assert queue.take(60 * FRAME_US) is None
    assert queue.wants_group
    queue.put(*picture(60, 60 * FRAME_US, begins=False, group=0), 60 * FRAME_US)
    assert queue.take(60 * FRAME_US) is None
    queue.put(*picture(61, 61 * FRAME_US, begins=True, group=1), 61 * FRAME_US)
    assert not queue.wants_group
    assert queue.take(61 * FRAME_US) is not None


def test_a_receiver_that_takes_nothing_costs_a_bounded_memory() -> None:
    queue = Outgoing()
    for number in range(200):
        queue.put(*picture(number, 1_000_000, begins=number % 10 == 0, group=number // 10, size=200_000), 1_000_000)
        assert queue._bytes <= MOST_BYTES
        assert queue._bytes == sum(len(one.raw) for one in (*queue._pictures, *queue._sound))
    assert queue.dropped > 0
    assert outgoing.MOST_BYTES == MOST_BYTES
