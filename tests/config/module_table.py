"""The tables of modules and boards in `hardware/README.md`, made from `modules.toml`; `python -m tests.config.module_table` makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bodycamd.config.modules import Board, Module, buffer_bytes, parts

PAGE = Path(__file__).parents[2] / "hardware" / "README.md"
BEGIN, END = "<!-- modules: begin -->", "<!-- modules: end -->"
SIZES = ((1920, 1080), (1280, 720))


def focus_of(module: Module) -> tuple[str, str]:
    """How it is focused, and where the hyperfocal distance is for a picture of 1920 pixels across."""
    dioptres = module.hyperfocal_dioptres(module.pixels[0], 1920)
    nearest = f", from {module.nearest_m:g} m" if module.nearest_m is not None else ""
    by = "by its motor (`video.focus`)" if module.focus == "motor" else "by hand, on the lens"
    return by + nearest, "depends on the lens" if dioptres is None else f"{1 / dioptres:.1f} m ({dioptres:.2f} dioptres)"


def module_rows() -> Iterator[str]:
    """One line for each module."""
    yield "| module | `video.module` | libcamera's name | whole view, at most | degrees across, down | focus | hyperfocal | tuning file |"
    yield "|---|---|---|---|---|---|---|---|"
    for module in parts().modules:
        width, height, rate = module.full_view
        degrees = "depends on the lens" if module.degrees is None else f"{module.degrees[0]:g}°, {module.degrees[1]:g}°"
        names = ", ".join(f"`{model}`" for model in module.models)
        by, hyperfocal = focus_of(module)
        tuning = f"`{module.tuning_file}`: must be set" if module.tuning_file is not None else "libcamera's choice"
        view = f"{width} by {height}, {rate} frames/s"
        yield f"| {module.title} | `{module.name}` | {names} | {view} | {degrees} | {by} | {hyperfocal} | {tuning} |"


def rates_of(board: Board) -> str:
    """The sizes and rates that its encoder keeps up with."""
    most = [(width, height, board.most_frames(width, height)) for width, height in SIZES]
    told = [f"{width} by {height} at {min(60, rate)}" for width, height, rate in most if rate is not None]
    return "; ".join(told) or "not known before it is measured: `bodycamd status` shows the frames that were dropped"


def board_rows() -> Iterator[str]:
    """One line for each Raspberry Pi."""
    yield "| Raspberry Pi | `board.model` | memory, from | encoder | frames/s that it keeps up with | for the pictures alone (CMA) |"
    yield "|---|---|---|---|---|---|"
    memory = "; ".join(f"{buffer_bytes(*size) / 1e6:.1f} MB at {size[0]} by {size[1]}" for size in SIZES)
    for board in parts().boards:
        encoder = "hardware (V4L2)" if board.hardware_encoder else "libx264, on the processor"
        yield f"| {board.title} | `{board.name}` | {board.memory_mb} MB | {encoder} | {rates_of(board)} | {memory} |"


def page(text: str) -> str:
    """The page with the tables put in."""
    before, rest = text.split(BEGIN)
    sources = "\n".join(f"- {name.replace('_', ' ')}: {source}" for name, source in parts().sources.items())
    tables = "\n\n".join("\n".join(rows) for rows in (module_rows(), board_rows()))
    return f"{before}{BEGIN}\n\n{tables}\n\nRead in:\n\n{sources}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
