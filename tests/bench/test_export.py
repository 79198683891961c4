"""What an export costs, beside `tar | age -d | ffmpeg -c copy` to the same MP4, over the same sealed segments in the same run; and whether
it stays linear.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.bench.figures import Table
from tests.bench.long_store import ROUNDS, TIMEOUT_SECONDS, Cost, LongStore, cost

pytestmark = [pytest.mark.bench, pytest.mark.timeout(TIMEOUT_SECONDS)]

MEMORY_PER_GB = 20
WORDS = {"film": "export to one MP4", "package": "export to a package: films read back, contact sheet, report, sums"}


def peer(made: LongStore, out: Path) -> Cost:
    """One film of all segments, on the disk like ours when it ends. `ffmpeg` passes over the init segments after the first."""
    tar = f"tar -xf {{}} --wildcards '*.age' --to-command='age -d -i {made.identity}'"
    tars = "; ".join(tar.format(path) for path in made.segments)
    spent = cost("bash", "-c", f"{{ {tars}; }} | ffmpeg -nostdin -v fatal -y -i - -c copy -movflags +faststart {out} && sync {out}")
    out.unlink()
    return spent


def ours(made: LongStore, out: Path) -> Cost:
    """The command; a package without a verification, which has a bench of its own."""
    command = (sys.executable, "-m", "bodycamd.cli.main", "export", made.recording, "--store", made.store)
    spent = cost(*command, "--identity", made.identity, "--out", out, "--json")
    if out.is_dir():
        shutil.rmtree(out)
    else:
        out.unlink()
    return spent


def measure(made: LongStore) -> tuple[float, dict[str, Cost]]:
    """Gigabytes, and what each way costs over them."""
    best: dict[str, Cost] = {}
    for _ in range(ROUNDS):
        for name, spent in (
            ("peer", peer(made, made.folder / "peer.mp4")),
            ("film", ours(made, made.folder / "film.mp4")),
            ("package", ours(made, made.folder / "case")),
        ):
            best[name] = spent.better(best.get(name))
    return made.gigabytes, best


def test_export(table: Table, long_stores: tuple[LongStore, LongStore]) -> None:
    small, large = map(measure, long_stores)
    compared = f"{large[0] * 1000:.0f} MB against {small[0] * 1000:.0f} MB"
    more = large[0] - small[0]
    for name, what in WORDS.items():
        for gigabytes, best in (small, large):
            mine, base = best[name], best["peer"]
            theirs = f"{base.wall / gigabytes:.2f} s/GB ({base.processor / gigabytes:.2f} s of CPU), {base.megabytes:.0f} MB"
            table.add(
                f"{what}, {gigabytes * 1000:.0f} MB: by the clock",
                mine.wall / base.wall,
                f"{mine.wall / gigabytes:.2f} s/GB ({mine.processor / gigabytes:.2f} s of CPU), {mine.megabytes:.0f} MB of memory",
                peer=f"tar | age | ffmpeg {theirs}",
                ratio=f"{mine.wall / base.wall:.2f}x, {mine.processor / base.processor:.2f}x by CPU",
                at_most=1.3 if gigabytes is large[0] else None,
                target="<= 1.3x" if gigabytes is large[0] else "",
            )
        growth = (large[1][name].processor / large[0]) / (small[1][name].processor / small[0])
        table.add(f"{name}: linear, CPU per GB of {compared}", growth, f"{growth:.2f}x, start included", at_most=1.2, target="<= 1.2x")
        mine_more, peer_more = ((large[1][way].megabytes - small[1][way].megabytes) / more for way in (name, "peer"))
        table.add(
            f"{name}: memory for each GB more (an MP4's index is made in memory)",
            mine_more,
            f"{mine_more:+.1f} MB",
            peer=f"ffmpeg {peer_more:+.1f} MB",
            at_most=MEMORY_PER_GB if more >= 0.5 else None,
            target=f"<= {MEMORY_PER_GB} MB" if more >= 0.5 else "",
        )
