"""What pictures show: black, still, alive; and the printed target, whichever way round it is held."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from bodycamd.camera.capture.sources.pattern import x264
from bodycamd.camera.capture.sources.testcard import TestCard
from bodycamd.camera.selftest.judge_capture import BLACK, BLACK_SPREAD, FOUND, FROZEN, SHARP_PIXELS
from bodycamd.camera.selftest.pictures import facts, find_target
from bodycamd.camera.selftest.target import BLOCKS
from bodycamd.config.settings import VideoSettings
from tests.kit.scale import only_in_full, sample

WIDTH, HEIGHT, RATE = 640, 360, 15


def frame(luma: np.ndarray) -> av.VideoFrame:
    height, width = luma.shape
    grey = np.full((height // 2, width), 128, np.uint8)
    return av.VideoFrame.from_ndarray(np.concatenate([luma.clip(0, 255).astype(np.uint8), grey]), format="yuv420p")


def encoded(lumas: Iterator[np.ndarray]) -> list[av.VideoFrame]:
    """As a camera would give them: encoded and decoded."""
    settings = VideoSettings(source="pattern", width=WIDTH, height=HEIGHT, frame_rate=RATE, bit_rate=2_000_000)
    encoder, decoder = x264(settings), av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    pictures = []
    for number, luma in enumerate(lumas):
        shown = frame(luma)
        shown.pts, shown.time_base = number * 1_000_000 // RATE, Fraction(1, 1_000_000)
        pictures += [picture for packet in encoder.encode(shown) for picture in decoder.decode(av.Packet(bytes(packet)))]
    return pictures


def scene() -> np.ndarray:
    blocks: np.ndarray = np.random.default_rng(0).normal(110, 20, (HEIGHT // 8, WIDTH // 8)).repeat(8, 0).repeat(8, 1)
    return blocks


@only_in_full
@pytest.mark.parametrize("noise", sample([1.5, 0.7], 2))
def test_a_sensor_that_is_read_anew_differs_from_one_that_stands_still(noise: float) -> None:
    chance = np.random.default_rng(1)
    alive = facts(encoded(scene() + chance.normal(0, noise, (HEIGHT, WIDTH)) for _ in range(2 * RATE))[RATE:])
    first = scene() + chance.normal(0, noise, (HEIGHT, WIDTH))
    still = facts(encoded(first for _ in range(2 * RATE))[RATE:])
    assert alive is not None
    assert still is not None
    assert still.change < FROZEN < alive.change, (still.change, alive.change)


def test_a_covered_lens_is_black_and_a_street_at_night_is_not() -> None:
    chance = np.random.default_rng(1)
    covered = facts([frame(np.full((HEIGHT, WIDTH), 17) + chance.normal(0, 1, (HEIGHT, WIDTH))) for _ in range(2)])
    night = np.full((HEIGHT, WIDTH), 18)
    night[60:110, 300:380] = 200
    street = facts([frame(night), frame(night)])
    assert covered is not None
    assert street is not None
    assert covered.mean <= BLACK
    assert covered.spread <= BLACK_SPREAD
    assert street.spread > BLACK_SPREAD


def test_of_one_picture_nothing_is_said() -> None:
    assert facts([frame(scene())]) is None


# --- the target -------------------------------------------------------------------------------------------------------------------------


def held(turned: int = 0, *, mirrored: bool = False, side: int = 250, left: int = 150, top: int = 60, blur: int = 1) -> av.VideoFrame:
    """The target before a grey wall, as the camera sees it."""
    blocks = np.array([[int(level) for level in row] for row in BLOCKS], float) * 160 + 40
    sheet = blocks.repeat(side // 5, 0).repeat(side // 5, 1)
    sheet = np.rot90(sheet[:, ::-1] if mirrored else sheet, -turned // 90)
    picture = np.full((HEIGHT, WIDTH), 120.0)
    picture[top : top + sheet.shape[0], left : left + sheet.shape[1]] = sheet
    if blur > 1:
        kernel = np.ones(blur) / blur
        picture = np.apply_along_axis(lambda row: np.convolve(row, kernel, "same"), 1, picture)
    return frame(picture + np.random.default_rng(2).normal(0, 2, picture.shape))


@only_in_full
@pytest.mark.parametrize("way", sample(itertools.product((0, 90, 180, 270), (False, True)), 3))
def test_the_target_is_found_whichever_way_round_it_is(way: tuple[int, bool]) -> None:
    turned, mirrored = way
    found = find_target(held(turned, mirrored=mirrored))
    assert (found.turned, found.mirrored) == (turned, mirrored)
    assert found.likeness >= 0.9


@only_in_full
@pytest.mark.parametrize("place", sample([(200, 20, 100), (340, 100, 10), (150, 400, 180)], 3))
def test_it_is_found_near_and_far_and_beside_the_middle(place: tuple[int, int, int]) -> None:
    side, left, top = place
    found = find_target(held(side=side, left=left, top=top))
    assert (found.turned, found.mirrored) == (0, False)
    assert found.likeness >= FOUND


@only_in_full
def test_sharp_edges_are_told_from_blurred_ones() -> None:
    assert find_target(held()).edge_pixels <= SHARP_PIXELS / 2
    assert find_target(held(blur=15)).edge_pixels > SHARP_PIXELS


@only_in_full
def test_a_scene_without_the_target_has_none() -> None:
    blocks = np.random.default_rng(3).choice([40, 200], (HEIGHT // 30, WIDTH // 32)).repeat(30, 0).repeat(32, 1)
    assert find_target(frame(blocks)).likeness < FOUND
    assert find_target(frame(np.full((HEIGHT, WIDTH), 90.0))).likeness < FOUND


@only_in_full
@pytest.mark.parametrize("rate", [5, 12, 30, 60])
@pytest.mark.parametrize(("width", "height"), [(320, 240), (640, 360), (1280, 720), (1920, 1080)])
def test_the_simulations_pictures_move_in_the_middle_and_one_that_hangs_does_not(width: int, height: int, rate: int) -> None:
    """At each moment: a look takes less than a second of them, amid two full seconds."""
    card = TestCard(width, height)
    for begin_us in (5_000_000, 5_300_000):
        shown = facts([card.frame(begin_us + number * 1_000_000 // rate) for number in range(3)])
        assert shown is not None
        assert shown.change > 10 * FROZEN
    hung = facts([card.frame(5_000_000)] * 3)
    assert hung is not None
    assert hung.change < FROZEN
