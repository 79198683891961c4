"""The link: every cut of the stream gives the same messages; nothing that a worker can send does more than raise `LinkError`."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd import footage
from bodycamd.camera.capture import protocol as link
from bodycamd.config.settings import MicrophoneSettings, VideoSettings
from tests.kit.age_files import AGE_HEADER
from tests.kit.scale import count, only_in_full

AGE = AGE_HEADER + b"body"
micros = st.integers(0, 2**53)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
audio = st.sampled_from(["live", "off", "lost"])
generations = st.integers(1, 2**31)
payloads = st.binary(min_size=1, max_size=3000).map(lambda body: AGE_HEADER + body)

bare = st.one_of(
    st.builds(
        link.Prepared,
        pid=st.integers(1, 2**22),
        versions=st.dictionaries(texts, texts, max_size=4),
        sandbox=texts,
        unlocked=st.none() | texts,
    ),
    st.builds(link.Refused, reason=texts),
    st.builds(link.Tick, last_frame_us=st.none() | micros, frames=micros, dropped=micros, audio=audio),
    st.builds(link.MicrophoneReport, generation=generations, device=texts, silent=st.booleans()),
    st.builds(link.AudioReport, generation=generations, audio=audio, reason=texts),
    st.builds(link.Failed, reason=texts),
    st.builds(link.Pong),
    st.builds(
        link.View,
        generation=generations,
        module=texts,
        board=texts,
        sensor_width=st.none() | st.integers(0, 65_535),
        crop_x=st.none() | st.integers(0, 65_535),
        seen_percent=st.none() | st.floats(0, 100),
        rotation=st.sampled_from([0, 180]),
        flip=st.sampled_from([None, "horizontal", "vertical"]),
        focus=st.sampled_from(["fixed", "manual", "continuous"]),
        dioptres=st.none() | st.floats(0, 1000),
        tuning_file=texts,
        encoder=texts,
        width=st.integers(16, 4096),
        height=st.integers(16, 4096),
        frame_rate=st.floats(0.1, 1000),
        differs=texts,
    ),
    st.builds(link.Closed, generation=generations),
).map(lambda message: (message, b""))
inits = st.builds(
    link.Init,
    generation=generations,
    recipients=st.lists(texts, min_size=1, max_size=3).map(tuple),
    encoder=texts,
    width=st.integers(16, 4096),
    height=st.integers(16, 4096),
    frame_rate=st.floats(0.1, 1000),
    audio_track=st.booleans(),
)
fragments = st.builds(
    link.Fragment,
    generation=generations,
    pts_us=micros,
    duration_us=st.integers(1, footage.MAX_FRAGMENT_US),
    frames=st.integers(1, 600),
    audio=audio,
    audio_pts_us=st.none() | micros,
    audio_samples=st.integers(0, 480_000),
    gap_us=st.integers(0, footage.MAX_FRAGMENT_US),
)
messages = st.one_of(bare, st.tuples(inits | fragments, payloads))


def frame(header: bytes, payload: bytes = b"", *, magic: bytes = link.MAGIC) -> bytes:
    return link.PREFIX.pack(magic, len(header), len(payload)) + header + payload


def read(stream: bytes) -> list[tuple[link.FromWorker, bytes]]:
    return list(link.FrameReader.of_worker().feed(stream))


@only_in_full
@settings(max_examples=count(2000))
@given(st.lists(messages, max_size=5), st.data())
def test_any_cut_of_the_stream_gives_the_same_messages(sent: list[tuple[link.FromWorker, bytes]], data: st.DataObject) -> None:
    stream = b"".join(part for message, payload in sent for part in link.encode(message, payload))
    reader = link.FrameReader.of_worker()
    got = []
    at = 0
    while at < len(stream):
        taken = data.draw(st.integers(1, min(len(stream) - at, 700)))
        got += list(reader.feed(stream[at : at + taken]))
        at += taken
    assert got == sent
    assert not reader.mid_frame


@only_in_full
@given(messages, st.data())
def test_a_cut_frame_is_known_to_be_cut(sent: tuple[link.FromWorker, bytes], data: st.DataObject) -> None:
    stream = b"".join(link.encode(*sent))
    reader = link.FrameReader.of_worker()
    assert list(reader.feed(stream[: data.draw(st.integers(1, len(stream) - 1))])) == []
    assert reader.mid_frame


@settings(max_examples=count(3000))
@given(st.binary(max_size=400) | st.builds(frame, st.binary(max_size=200), st.binary(max_size=99)))
def test_arbitrary_bytes_give_a_link_error_or_nothing(stream: bytes) -> None:
    try:
        assert read(stream) == []
    except link.LinkError:
        return


@settings(max_examples=count(3000))
@given(messages, st.data())
def test_a_flipped_byte_never_gives_more_than_a_link_error(sent: tuple[link.FromWorker, bytes], data: st.DataObject) -> None:
    stream = bytearray(b"".join(link.encode(*sent)))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        for message, payload in read(bytes(stream)):
            assert (len(payload) > 0) == isinstance(message, link.Init | link.Fragment)
    except link.LinkError:
        return


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@only_in_full
@settings(max_examples=count(3000))
@given(messages, st.data())
def test_a_changed_field_is_refused_or_within_its_bounds(sent: tuple[link.FromWorker, bytes], data: st.DataObject) -> None:
    whole = b"".join(link.encode(*sent))
    header = json.loads(whole[link.PREFIX.size : len(whole) - len(sent[1])])
    header[data.draw(st.sampled_from([*header, "unknown"]))] = data.draw(json_values)
    changed = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode(errors="surrogatepass")
    try:
        [(message, payload)] = read(frame(changed, sent[1]))
    except link.LinkError:
        return
    assert link.encode(message, payload)


CLOSED = b'{"message":"Closed","generation":%s}'


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (b'{"message":"Closed","generation":1,"generation":2}', "another spelling"),
        (b'{"message":"Closed", "generation":1}', "another spelling"),
        (b'{"generation":1,"message":"Closed"}', "another spelling"),
        (b'{"message":"Closed","message":"Closed","generation":1}', "Closed"),
        (b'{"message":"Closed","generation":1,"extra":0}', "unknown field"),
        (b'{"message":"Opened","generation":1}', "Opened"),
        (b'{"message":"Open","generation":1,"microphone":true}', "Open"),
        (b'{"generation":1}', "message"),
        (b'{"message":"Closed"}', "missing required"),
        (CLOSED % b"0", ">= 1"),
        (CLOSED % b"-1", ">= 1"),
        (CLOSED % b"1.0", "float"),
        (CLOSED % b"true", "bool"),
        (CLOSED % b"null", "null"),
        (CLOSED % b'"1"', "str"),
        (CLOSED % b"NaN", "malformed"),
        (CLOSED % b"Infinity", "malformed"),
        (CLOSED % b"1e999", "range"),
        (CLOSED % b"18446744073709551617", "range|<="),
        (CLOSED % (b"9" * 60_000), "range"),
        (b"[" * 60_000, "malformed"),
        (b'{"message":' * 5_000, "malformed"),
        (b'{"message":"Failed","reason":"\\ud800"}', "malformed"),
        (b'{"message":"Failed","reason":"\xff"}', "malformed"),
        (b'{"message":"Failed","reason":"' + b"x" * 5000 + b'"}', "4000"),
        (CLOSED % b"1" + b"\0", "malformed"),
        (b"null", "malformed"),
    ],
)
def test_malformed_headers_are_refused(header: bytes, reason: str) -> None:
    with pytest.raises(link.LinkError, match=reason):
        read(frame(header))


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (frame(CLOSED % b"1", magic=b"BCL2"), "begins with"),
        (link.PREFIX.pack(link.MAGIC, 0, 0), "header of 0 bytes"),
        (link.PREFIX.pack(link.MAGIC, link.MAX_HEADER_BYTES + 1, 0), "header of 65537 bytes"),
        (link.PREFIX.pack(link.MAGIC, 2**32 - 1, 0), "header of 4294967295 bytes"),
        (link.PREFIX.pack(link.MAGIC, 10, footage.MAX_AGE_BYTES + 1), "payload of 33554433 bytes"),
        (frame(CLOSED % b"1", AGE), "Closed with a payload"),
        (link.PREFIX.pack(link.MAGIC, len(CLOSED % b"1"), footage.MAX_AGE_BYTES) + CLOSED % b"1", "Closed with a payload"),
    ],
)
def test_malformed_frames_are_refused(stream: bytes, reason: str) -> None:
    with pytest.raises(link.LinkError, match=reason):
        read(stream)


FRAGMENT = link.Fragment(
    generation=1, pts_us=1, duration_us=1_000_000, frames=30, audio="live", audio_pts_us=1, audio_samples=48_000, gap_us=0
)


def header_of(message: link.FromWorker, payload: bytes) -> bytes:
    return bytes(link.encode(message, payload)[0])[link.PREFIX.size :]


@pytest.mark.parametrize(
    "payload",
    [b"", footage.AGE_MAGIC, link.AGE_X25519, b"\0\0\0\x18ftypisom" + bytes(100), footage.AGE_MAGIC + b"-> scrypt " + bytes(100)],
)
def test_footage_that_is_not_sealed_is_refused_by_both_ends(payload: bytes) -> None:
    with pytest.raises(link.LinkError):
        link.encode(FRAGMENT, payload)
    with pytest.raises(link.LinkError):
        read(frame(header_of(FRAGMENT, AGE), payload))


@settings(max_examples=count(100))
@given(payload=payloads, cuts=st.lists(st.integers(0, 3000), max_size=40))
def test_a_payload_in_pieces_is_the_same_frame(payload: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(payload)]
    pieces = [payload[begin:end] for begin, end in itertools.pairwise(places)]
    assert b"".join(link.encode(FRAGMENT, *pieces)) == b"".join(link.encode(FRAGMENT, payload))
    with pytest.raises(link.LinkError):
        link.encode(FRAGMENT, *(bytes(piece).replace(b"X25519", b"scrypt") for piece in (payload[:200], *pieces)))


def test_a_payload_in_more_pieces_than_a_system_call_takes() -> None:
    ours, theirs = socket.socketpair()
    pieces = [AGE_HEADER, *(bytes([number % 256]) for number in range(2000))]
    with ours:
        worker = link.WorkerLink(theirs)
        worker.send(FRAGMENT, *pieces)
        worker.close()
        with ours.makefile("rb") as stream:
            assert read(stream.read()) == [(FRAGMENT, b"".join(pieces))]


def test_what_the_other_end_would_refuse_is_never_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = link.WorkerLink(theirs)
        for message in (
            link.Failed(reason="x" * 4001),
            link.Failed(reason="\ud800"),
            link.Closed(generation=0),
            link.Tick(last_frame_us=-1, frames=0, dropped=0, audio="off"),
            link.Tick(last_frame_us=2**60, frames=0, dropped=0, audio="off"),
        ):
            with pytest.raises(link.LinkError):
                worker.send(message)
        ours.setblocking(False)
        with pytest.raises(BlockingIOError):
            ours.recv(1)


def test_an_int_in_a_floats_place_gets_the_one_spelling() -> None:
    init = link.Init(generation=1, recipients=("age1x",), encoder="e", width=320, height=240, frame_rate=30, audio_track=True)
    assert read(b"".join(link.encode(init, AGE))) == [(init, AGE)]


def test_memory_stays_bounded_whatever_is_announced() -> None:
    tracemalloc.start()
    try:
        for _ in range(20):
            reader = link.FrameReader.of_worker()
            header = header_of(FRAGMENT, AGE)
            list(reader.feed(link.PREFIX.pack(link.MAGIC, len(header), footage.MAX_AGE_BYTES) + header))
        with pytest.raises(link.LinkError):
            read(link.PREFIX.pack(link.MAGIC, 2**32 - 1, 2**32 - 1))
        assert tracemalloc.get_traced_memory()[1] < 3 * footage.MAX_AGE_BYTES
    finally:
        tracemalloc.stop()


def test_a_payload_is_held_once() -> None:
    stream = b"".join(link.encode(FRAGMENT, AGE_HEADER + bytes(8_000_000)))
    reader = link.FrameReader.of_worker()
    tracemalloc.start()
    try:
        ((_, payload),) = list(reader.feed(stream))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert type(payload) is bytes
    assert payload == stream[-len(payload) :]
    assert peak < 1.5 * len(payload)


def test_both_ends_over_a_socket_with_payloads_larger_than_its_buffer() -> None:
    ours, theirs = socket.socketpair()
    sealed = AGE_HEADER + bytes(range(256)) * 8_000
    got: list[tuple[link.FromWorker, bytes]] = []

    def recorder() -> None:
        reader = link.FrameReader.of_worker()
        while received := ours.recv_into(reader.space()):
            if (whole := reader.advance(received)) is not None:
                got.append(whole)

    with ours:
        reading = threading.Thread(target=recorder)
        reading.start()
        worker = link.WorkerLink(theirs)

        def send_some() -> None:
            for _ in range(5):
                worker.send(FRAGMENT, sealed)
                worker.send(link.Tick(last_frame_us=1, frames=1, dropped=0, audio="live"))

        threads = [threading.Thread(target=send_some) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        worker.close()
        reading.join(10)
    assert [payload for message, payload in got if isinstance(message, link.Fragment)] == [sealed] * 15
    assert sum(isinstance(message, link.Tick) for message, _ in got) == 15


def endless(ours: socket.socket) -> None:
    for _ in range(100_000):
        link.send_command(ours, link.Close())


def test_commands_reach_the_worker_and_never_wait_for_it() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        worker = link.WorkerLink(theirs)
        prepare = link.Prepare(video=VideoSettings(), microphone=MicrophoneSettings(), audio=True, recipients_text="# ë\nage1x\n")
        opening = link.Open(generation=7, microphone=True)
        sent: list[link.ToWorker] = [prepare, link.Ping(), opening, link.SetMicrophone(open=False), link.Close()]
        for message in sent:
            link.send_command(ours, message)
        assert [worker.receive() for _ in sent] == sent
        with pytest.raises(link.LinkError, match="does not read"):
            endless(ours)
        worker.close()
        with pytest.raises(link.LinkClosed):
            link.send_command(ours, link.Close())


def test_the_worker_learns_that_the_recorder_is_gone() -> None:
    ours, theirs = socket.socketpair()
    worker = link.WorkerLink(theirs)
    ours.close()
    with pytest.raises(link.LinkClosed):
        worker.receive()
    with pytest.raises(link.LinkClosed):
        worker.send(link.Closed(generation=1))
    worker.close()


def test_recipients_that_do_not_fit_are_an_error_not_a_cut() -> None:
    prepare = link.Prepare(video=VideoSettings(), microphone=MicrophoneSettings(), audio=True, recipients_text="x" * link.MAX_HEADER_BYTES)
    with pytest.raises(link.LinkError, match="header of"):
        link.encode(prepare)
