"""Runs inside the container, by the station's own Python: a camera sends ledger and segments, and judges the receipts.

By the link that the camera's uplink uses, over TLS to the station's name. Prints a JSON list of the receipts' numbers, as they are taken.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bodycamd.camera.uplink.station_link import Reply, StationLink
from bodycamd.config.station_checks import address
from bodycamd.evidence import receipts
from bodycamd.evidence import roster as rosters
from bodycamd.evidence.keys import SigningKey
from bodycamd.evidence.receipts import Received, judge_receipt, received
from bodycamd.evidence.request_signing import Content

PART_BYTES = 1024 * 1024
PLACE = Path("/bench/camera")


def main() -> None:
    found = address(f"https://{sys.argv[1]}")
    assert found is not None
    private = load_pem_private_key((PLACE / "uplink.key").read_bytes(), None)
    link = StationLink(found, "cam-7", SigningKey(private), "/bench/tls/root.pem")  # type: ignore[arg-type]
    send(link, "ledger/1", (PLACE / "store/ledger/000001.jsonl").read_bytes())
    in_force = rosters.decode(Path("/bench/etc/roster.txt").read_bytes(), "roster")
    so_far, numbers = Received(), []
    files = sorted((PLACE / "store/recordings").glob("*/*.tar"))
    assert files
    for file in files:
        reply = link.ask("GET", f"recordings/{file.parent.name}/{file.name}")
        if reply.status == 204:
            reply = send(link, f"recordings/{file.parent.name}/{file.name}", file.read_bytes())
        one = receipts.decode(reply.body, file.name)
        assert judge_receipt(one, in_force, "cam-7", so_far) == "accepted"
        so_far = received(so_far, [one])
        numbers.append(one.receipt.n)
    print(json.dumps(numbers))


def send(link: StationLink, path: str, content: bytes) -> Reply:
    """From where the station is; the last answer."""
    reply = link.ask("HEAD", path)
    offset = reply.number("upload-offset") or 0
    while offset < len(content):
        part = content[offset : offset + PART_BYTES]
        if path.startswith("ledger/"):
            part = part[: part.rfind(b"\n") + 1]
        last = path.startswith("recordings/") and offset + len(part) == len(content)
        reply = link.ask("PATCH", path, Content(part, offset, last))
        assert reply.status in (200, 204), (reply.status, reply.body)
        offset += len(part)
    return reply


if __name__ == "__main__":
    main()
