"""What a module is asked for: the whole view, upright, sharp; and what it is told that asks for more than it has."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.camera.capture.protocol import View
from bodycamd.camera.capture.sources.sight import Sight
from bodycamd.camera.capture.sources.view import (
    AF_CONTINUOUS,
    AF_MANUAL,
    Offered,
    SensorMode,
    area,
    check_controls,
    choose_focus,
    choose_mode,
    durations_us,
    flips,
    seen,
    tuning_path,
    whole_sensor,
)
from bodycamd.config.modules import parts
from bodycamd.config.settings import VideoSettings
from bodycamd.errors import UnavailableError
from bodycamd.footage import ViewFacts
from tests.kit.scale import count

IMX219 = [  # raspberrypi/picamera2 #683; the rates of the 8-bit modes as `rpicam-hello --list-cameras` prints them
    SensorMode(640, 480, 10, 103.33, (1000, 752, 1280, 960)),
    SensorMode(1640, 1232, 10, 41.85, (0, 0, 3280, 2464)),
    SensorMode(1920, 1080, 10, 47.57, (680, 692, 1920, 1080)),
    SensorMode(3280, 2464, 10, 21.19, (0, 0, 3280, 2464)),
    SensorMode(1640, 1232, 8, 83.7, (0, 0, 3280, 2464)),
    SensorMode(3280, 2464, 8, 21.19, (0, 0, 3280, 2464)),
]
IMX708 = [  # raspberrypi/rpicam-apps #533
    SensorMode(1536, 864, 10, 120.13, (768, 432, 3072, 1728)),
    SensorMode(2304, 1296, 10, 56.03, (0, 0, 4608, 2592)),
    SensorMode(4608, 2592, 10, 14.35, (0, 0, 4608, 2592)),
]
IMX477 = [  # the documentation's own list, raspberrypi/documentation, computers/camera_software
    SensorMode(1332, 990, 10, 120.05, (696, 528, 2664, 1980)),
    SensorMode(2028, 1080, 12, 50.03, (0, 440, 4056, 2160)),
    SensorMode(2028, 1520, 12, 40.01, (0, 0, 4056, 3040)),
    SensorMode(4056, 3040, 12, 10.0, (0, 0, 4056, 3040)),
]
IMX296 = [SensorMode(1456, 1088, 10, 60.38, (0, 0, 1456, 1088))]  # AllskyTeam/allsky #3632
AUTOFOCUS: Offered = {"AfMode": (0, 2), "LensPosition": (0.0, 32.0), "FrameDurationLimits": (17849, 112075593), "ScalerCrop": None}
NO_MOTOR: Offered = {"FrameDurationLimits": (16562, 15534444), "ScalerCrop": None}


@pytest.mark.parametrize(
    ("modes", "size", "frame_rate", "chosen"),
    [
        (IMX219, (1920, 1080), 30, (1640, 1232, 10)),  # not 1920 x 1080, which is cut from the middle
        (IMX219, (1280, 720), 60, (1640, 1232, 8)),
        (IMX219, (1920, 1080), 15, (3280, 2464, 10)),
        (IMX708, (1920, 1080), 30, (2304, 1296, 10)),
        (IMX708, (1280, 720), 60, (1536, 864, 10)),  # the widest that is fast enough
        (IMX708, (1280, 720), 10, (2304, 1296, 10)),
        (IMX477, (1920, 1080), 30, (2028, 1520, 12)),
        (IMX477, (1920, 1080), 50, (2028, 1080, 12)),
        (IMX296, (1280, 720), 60, (1456, 1088, 10)),
        (IMX296, (1920, 1080), 30, (1456, 1088, 10)),
    ],
)
def test_the_sensor_mode_shows_the_whole_view_where_one_is_fast_enough(
    modes: list[SensorMode], size: tuple[int, int], frame_rate: int, chosen: tuple[int, int, int]
) -> None:
    mode = choose_mode(modes, *size, frame_rate)
    assert mode is not None
    assert (mode.width, mode.height, mode.bit_depth) == chosen


def test_a_camera_that_states_no_modes_is_left_to_libcamera() -> None:
    assert choose_mode([], 1920, 1080, 30) is None
    assert whole_sensor([]) is None


sides = st.integers(64, 5000)
modes = st.builds(
    SensorMode, sides, sides, st.sampled_from([8, 10, 12]), st.floats(1, 200), st.tuples(st.just(0), st.just(0), sides, sides)
)


@settings(max_examples=count(300))
@given(st.lists(modes, min_size=1, max_size=10), sides, sides, st.integers(5, 60))
def test_no_other_mode_that_is_as_fast_shows_more(found: list[SensorMode], width: int, height: int, frame_rate: int) -> None:
    chosen = choose_mode(found, width, height, frame_rate)
    assert chosen is not None
    fast = [mode for mode in found if mode.frame_rate >= frame_rate]
    if fast:
        assert chosen.frame_rate >= 0.995 * frame_rate
        assert area(seen(chosen.crop, width, height)) >= max(area(seen(mode.crop, width, height)) for mode in fast)
    else:
        assert chosen.frame_rate >= min(0.995 * frame_rate, max(mode.frame_rate for mode in found))


@settings(max_examples=count(300))
@given(st.tuples(st.integers(0, 500), st.integers(0, 500), sides, sides), sides, sides)
def test_what_is_seen_lies_in_the_middle_of_the_crop_and_has_the_pictures_shape(
    crop: tuple[int, int, int, int], width: int, height: int
) -> None:
    x, y, seen_width, seen_height = seen(crop, width, height)
    assert x >= crop[0]
    assert y >= crop[1]
    assert seen_width == crop[2] or seen_height == crop[3]
    assert abs((x - crop[0]) * 2 + seen_width - crop[2]) <= 1
    assert abs((y - crop[1]) * 2 + seen_height - crop[3]) <= 1
    assert abs(seen_width * height - seen_height * width) < max(width, height)


def test_half_a_turn_is_both_flips() -> None:
    assert flips(0, None) == (False, False)
    assert flips(180, None) == (True, True)
    assert flips(0, "horizontal") == (True, False)
    assert flips(180, "horizontal") == (False, True)
    assert flips(180, "vertical") == (True, False)


@pytest.mark.parametrize(("name", "metres"), [("module-3", 3.7), ("module-3-wide", 1.0), ("module-2", 2.4)])
def test_the_hyperfocal_distance_of_each_lens(name: str, metres: float) -> None:
    module = parts().module(name)
    assert module is not None
    dioptres = module.hyperfocal_dioptres(module.pixels[0], 1920)
    assert dioptres is not None
    assert 1 / dioptres == pytest.approx(metres, rel=0.03)


def test_a_picture_of_fewer_pixels_is_sharp_from_nearer_on() -> None:
    module = parts().module("module-3")
    assert module is not None
    far, near = module.hyperfocal_dioptres(4608, 1920), module.hyperfocal_dioptres(4608, 1280)
    assert far is not None
    assert near is not None
    assert near > far


def test_the_focus_is_the_modules_own_unless_it_is_set() -> None:
    own = choose_focus(None, AUTOFOCUS, "imx708", 0.27)
    assert (own.mode, own.dioptres, own.controls) == ("manual", 0.27, {"AfMode": AF_MANUAL, "LensPosition": 0.27})
    assert choose_focus(2.0, AUTOFOCUS, "imx708", 0.27).controls == {"AfMode": AF_MANUAL, "LensPosition": 2.0}
    assert choose_focus("continuous", AUTOFOCUS, "imx708", 0.27).controls == {"AfMode": AF_CONTINUOUS}
    unknown = choose_focus(None, AUTOFOCUS, "imx519", None)
    assert (unknown.mode, unknown.dioptres) == ("manual", 1.0)
    fixed = choose_focus(None, NO_MOTOR, "imx219", 0.47)
    assert (fixed.mode, fixed.dioptres, fixed.controls) == ("fixed", None, {})


@pytest.mark.parametrize(
    ("wanted", "offered", "words"),
    [
        (1.0, NO_MOTOR, "video.focus is 1.0, but imx708 has no focus motor; leave it at null"),
        ("continuous", NO_MOTOR, "no focus motor"),
        (12.5, {**AUTOFOCUS, "LensPosition": (0.0, 10.0)}, "video.focus is 12.5 dioptres; imx708 offers 0 to 10"),
        ("continuous", {**AUTOFOCUS, "AfMode": (0, 0)}, "it offers dioptres, 0 to 32"),
    ],
)
def test_a_focus_that_the_module_has_not_is_refused_with_what_it_offers(wanted: float, offered: Offered, words: str) -> None:
    with pytest.raises(UnavailableError, match=words):
        choose_focus(wanted, offered, "imx708", 0.27)


def test_only_controls_that_are_offered_are_set() -> None:
    check_controls({"FrameDurationLimits": (33_333, 33_333), "LensPosition": 1.0}, AUTOFOCUS, "imx708")
    with pytest.raises(UnavailableError, match="imx296 has no control AfMode; it offers FrameDurationLimits, ScalerCrop"):
        check_controls({"AfMode": 0}, NO_MOTOR, "imx296")
    with pytest.raises(UnavailableError, match="LensPosition 40 is out of bounds; imx708 offers 0 to 32"):
        check_controls({"LensPosition": 40.0}, AUTOFOCUS, "imx708")


def test_in_the_dark_the_rate_may_fall_as_far_as_configured_and_no_further() -> None:
    assert durations_us(30, None, (17_849, 112_075_593)) == (33_333, 33_333)
    assert durations_us(30, 10, (17_849, 112_075_593)) == (33_333, 100_000)
    assert durations_us(60, 10, (23_894, 50_000)) == (23_894, 50_000)
    assert durations_us(30, None, (40_000, 0)) == (40_000, 40_000)


def test_a_tuning_file_is_looked_for_where_libcamera_has_its_own(tmp_path: Path) -> None:
    shipped = tmp_path / "vc4" / "imx219_noir.json"
    shipped.parent.mkdir()
    shipped.write_text("{}")
    assert tuning_path(None, "vc4", [str(tmp_path)]) is None
    assert tuning_path("imx219_noir.json", "vc4", [str(tmp_path)]) == str(shipped)
    assert tuning_path(str(shipped), "pisp", []) == str(shipped)
    with pytest.raises(UnavailableError, match=f"there is no file {tmp_path}/pisp/imx219_noir.json; `ls {tmp_path}/pisp`"):
        tuning_path("imx219_noir.json", "pisp", [str(tmp_path)])


def sight(model: str, modes: list[SensorMode], video: VideoSettings, board: str = "", named: str | None = None) -> Sight:
    made = Sight(video, model=model, modes=modes, board=board, board_named=named)
    made.choose_focus(AUTOFOCUS if model.startswith("imx708") else NO_MOTOR)
    return made


def facts(made: Sight) -> ViewFacts:
    return made.facts(encoder="x", width=1920, height=1080, frame_rate=30.0)


def test_what_is_stated_is_what_libcamera_said_and_before_that_what_it_was_asked_for() -> None:
    made = sight("imx708_wide", IMX708, VideoSettings(rotation=180))
    assert made.sensor_configuration() == {"output_size": (2304, 1296), "bit_depth": 10}
    asked = facts(made)
    assert (asked.module, asked.sensor_width, asked.sensor_height, asked.mode_width) == ("imx708_wide", 4608, 2592, 2304)
    assert (asked.crop_x, asked.crop_y, asked.crop_width, asked.crop_height, asked.seen_percent) == (0, 0, 4608, 2592, 100.0)
    assert (asked.rotation, asked.focus, asked.dioptres, asked.differs) == (180, "manual", 0.975, "")
    made.configured({"output_size": (1536, 864), "bit_depth": 10}, 10.0)
    made.told((768, 432, 3072, 1728), 1.25)
    made.told(None, None)
    told = facts(made)
    assert (told.mode_width, told.crop_x, told.seen_percent, told.dioptres, told.night_frame_rate) == (1536, 768, 44.4, 1.25, 10.0)


def test_the_part_of_a_squarer_sensor_that_a_wide_picture_shows() -> None:
    made = facts(sight("imx219", IMX219, VideoSettings()))
    assert (made.crop_width, made.crop_height, made.seen_percent) == (3280, 1845, 74.9)
    assert (made.focus, made.dioptres) == ("fixed", None)


def test_other_parts_than_the_configuration_names_are_stated() -> None:
    fitted = "Raspberry Pi Zero 2 W Rev 1.0"
    right = sight("imx219", IMX219, VideoSettings(module="module-2-noir"), fitted, "pi-zero-2-w")
    assert facts(right).differs == ""
    wrong = sight("imx219", IMX219, VideoSettings(module="module-3"), fitted, "pi-5")
    assert facts(wrong).differs == (
        "video.module is module-3, the camera says imx219; board.model is Raspberry Pi 5 Model B, this is Raspberry Pi Zero 2 W Rev 1.0"
    )


def test_a_camera_that_is_no_module_states_what_is_known() -> None:
    made = facts(sight("USB camera", [], VideoSettings()))
    assert (made.sensor_width, made.mode_width, made.crop_width, made.seen_percent) == (None, None, None, None)


@settings(max_examples=count(200))
@given(st.text(max_size=400), st.lists(modes, max_size=4), st.floats(0, 5000) | st.none(), st.text(max_size=400))
def test_whatever_a_camera_says_the_facts_keep_their_bounds(
    model: str, found: list[SensorMode], dioptres: float | None, board: str
) -> None:
    made = Sight(VideoSettings(module="hq"), model=model, modes=found, board=board, board_named="pi-4")
    made.choose_focus(NO_MOTOR)
    made.told(None, dioptres)
    view = View(generation=1, **msgspec.structs.asdict(facts(made)))
    assert msgspec.json.decode(msgspec.json.encode(view), type=View, strict=True) == view
