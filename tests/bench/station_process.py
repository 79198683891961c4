"""A station as a process of its own: `python -m tests.bench.station_process FOLDER AUTHORITY DEVICE UPLINK_KEY FIRST_KEY`.

It prints its port, and ends with its standard input.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bodycamd.evidence.keys import PublicKey
from bodycamd.municipality.station.cameras import Sender
from tests.municipality.station.conftest import Station


def main() -> None:
    folder, authority, device, uplink_key, first_key = sys.argv[1:]
    uplink = PublicKey.from_hex(uplink_key)
    senders = {uplink.id: Sender(device, uplink, PublicKey.from_hex(first_key))}
    with Station(Path(folder), senders, authority=authority) as station:
        print(station.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
