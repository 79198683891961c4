"""The parsers of segments, ledger and link take any bytes: no crash, no hang, no memory. A million inputs in the nightly run, a tenth of
them in CI.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.kit.scale import nightly_count, only_in_full

SHARES = {"segment": 300_000, "ledger": 300_000, "json": 150_000, "link": 250_000}
MAX_KIB = 100 * 1024
SEED = 20250601


@only_in_full
@pytest.mark.parametrize("target", SHARES)
@pytest.mark.timeout(1800)
def test_parsers_survive(target: str) -> None:
    count = nightly_count(SHARES[target])
    command = [sys.executable, "-m", "tests.fuzz.child", target, str(count), str(SEED)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr[-3000:]
    said = json.loads(done.stdout)
    print(target, said)
    assert said["inputs"] == count
    assert 0.3 * count < said["refused"], "mutations are mostly refused"
    assert said["grown_kib"] < MAX_KIB
    assert said["peak_kib"] < MAX_KIB


def test_the_shares_make_a_million() -> None:
    assert sum(SHARES.values()) == 1_000_000
