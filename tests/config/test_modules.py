"""The data file of modules and boards: whole, named as the settings name them, cited; what `config check` says by it; and its table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.config import settings
from bodycamd.config.load import parse
from bodycamd.config.modules import BUFFERS, buffer_bytes, disagreements, parts
from tests.config.module_table import PAGE, page


def words_at(key: str) -> set[str]:
    return set(settings.literals(key)) - {"null"}


def test_the_configuration_knows_the_same_names() -> None:
    assert words_at("video.module") == {module.name for module in parts().modules}
    assert words_at("board.model") == {board.name for board in parts().boards}


def test_the_figures_agree_with_each_other() -> None:
    """Angles of view, focal length and pixels are told apart; a slip in one of them shows in the others."""
    import math

    for module in parts().modules:
        width, height, _ = module.full_view
        assert width <= module.pixels[0]
        assert abs(width / height - module.pixels[0] / module.pixels[1]) < 0.01, "the whole view has the sensor's shape"
        if module.degrees is not None and module.focal_mm is not None and "Wide" not in module.title:  # a wide lens bends its edges
            sensor_mm = module.pixels[0] * module.pixel_um / 1000
            across = math.degrees(2 * math.atan(sensor_mm / 2 / module.focal_mm))
            assert abs(across - module.degrees[0]) < 3, module.name


def test_a_module_is_found_by_what_libcamera_calls_it() -> None:
    for module in parts().modules:
        for model in module.models:
            assert parts().fitted(model, module.name) == module
    sister = parts().fitted("imx219", None)
    assert sister is not None
    assert sister.name == "module-2"
    assert parts().fitted("imx500", "hq") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", []),
        ("video: {module: module-3}", []),
        ("video: {module: module-3-wide, focus: 1.0, frame_rate: 50, width: 1280, height: 720}\nboard: {model: pi-4}", []),
        ("video: {module: module-3, focus: 10}", []),
        ("video: {module: module-3, focus: 30}", ["video.focus: 30.0 dioptres are nearer than the Camera Module 3 focuses: 0.1 m"]),
        ("video: {module: module-3-wide, focus: 20}", []),
        ("video: {module: module-3-wide, focus: 20.5}", ["video.focus: 20.5 dioptres are nearer"]),
        ("clock: {rtc: pi5}\nboard: {model: pi-5}", []),
        ("clock: {rtc: pi5}\nboard: {model: pi-zero-2-w}", ["clock.rtc: pi5, but the Raspberry Pi Zero 2 W has no clock of its own"]),
        ("video: {module: hq, focus: continuous}", ["video.focus: continuous, but the HQ Camera has no focus motor"]),
        ("video: {module: module-2, width: 1640, height: 922, focus: 2}", ["video.focus: 2.0, but the Camera Module 2 has no focus motor"]),
        ("video: {module: module-3, frame_rate: 60}", ["video.frame_rate: 60 frames/s are more than the Camera Module 3 gives"]),
        ("video: {module: module-2}", ["video.width: the Camera Module 2 gives its whole view in 1640 by 1232 pixels"]),
        (
            "video: {module: module-2-noir, width: 1280, height: 720}",
            ["video.tuning_file: none, but libcamera takes the Camera Module 2 NoIR"],
        ),
        ("video: {module: module-2-noir, width: 1280, height: 720, tuning_file: imx219_noir.json}", []),
        (
            "video: {frame_rate: 50}\nboard: {model: pi-zero-2-w}",
            ["video.frame_rate: 1920 by 1080 at 50 frames/s is more than the encoder"],
        ),
        ("video: {frame_rate: 50}\nboard: {model: pi-5}", []),
    ],
)
def test_where_a_configuration_and_its_parts_disagree(text: str, told: list[str], tmp_path: Path) -> None:
    config = parse(f"device_id: cam-7\n{text}\n".encode(), tmp_path / "c.yaml")
    found = [f"{problem.key}: {problem.reason}" for problem in disagreements(config)]
    assert len(found) == len(told)
    for reason, words in zip(found, told, strict=True):
        assert reason.startswith(words)


def test_config_check_warns_and_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("device_id: cam-7\nvideo:\n  module: hq\n  focus: 1\n")
    assert main(["config", "check", "--text-only", str(file)]) == 0
    told = capsys.readouterr()
    assert (
        f"warning: {file}: line 4: video.focus: 1.0, but the HQ Camera has no focus motor: no picture comes with this; allowed: null"
        in told.err
    )
    assert "the configuration is valid" in told.out


def test_the_encoders_limit_is_1080p30_and_720p60() -> None:
    zero, five = parts().board("pi-zero-2-w"), parts().board("pi-5")
    assert zero is not None
    assert five is not None
    assert (zero.most_frames(1920, 1080), zero.most_frames(1280, 720), five.most_frames(1920, 1080)) == (30, 68, None)


def test_the_pictures_memory_is_that_of_the_buffers_that_are_asked_for() -> None:
    assert buffer_bytes(1920, 1080) == BUFFERS * 1920 * 1080 * 3 // 2 == 18_662_400


def test_the_table_on_the_hardware_page_is_made_from_the_file() -> None:
    """`python -m tests.config.module_table` writes it anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text


def test_every_fact_has_its_source() -> None:
    assert set(parts().sources) == {"modules", "models", "focus", "boards", "pi_5"}
    assert all(source.startswith("https://") for source in parts().sources.values())
