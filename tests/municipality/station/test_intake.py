"""What a camera sends is at the station as it was, once, and each receipt says so truly."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodycamd.errors import DataError, StorageError
from bodycamd.evidence import receipts
from bodycamd.evidence.receipts import Received, SignedReceipt, judge_receipt, received
from bodycamd.municipality.station import audit
from bodycamd.municipality.station.folder_storage import FolderStorage
from bodycamd.municipality.station.ledger_copy import LedgerCopy
from bodycamd.municipality.verify.verify import verify
from tests.kit.scale import count
from tests.municipality.station.conftest import IN_FORCE, FilmedStore, Station
from tests.municipality.station.sending import CameraLink, sealed, send_ledger, send_segment


def given_receipts(link: CameraLink) -> list[SignedReceipt]:
    """All that the station has for the camera."""
    answer = link.ask("GET", "receipts?after=0")
    assert answer.status_code == 200
    found, raw = [], answer.content
    while raw:
        one, separator, raw = raw.partition(b"\nbodycam-receipt/1\n")
        raw = b"bodycam-receipt/1\n" + raw if separator else b""
        found.append(receipts.decode(one + (b"\n" if separator else b""), "x"))
    return found


def check_chain(found: list[SignedReceipt]) -> None:
    so_far = Received()
    for one in found:
        assert judge_receipt(one, IN_FORCE, "cam-7", so_far) == "accepted"
        so_far = received(so_far, [one])


def test_a_store_comes_whole_and_verifies_at_the_station(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    send_ledger(link, filmed.store, most=4000)
    for file in sealed(filmed.store):
        answer = send_segment(link, file, most=50_000)
        receipt = receipts.decode(answer.content, "x").receipt
        assert (receipt.recording, receipt.segment) == (file.parent.name, int(file.name[:6]))
        assert receipt.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
        assert (station.copy("cam-7") / "recordings" / file.parent.name / file.name).read_bytes() == file.read_bytes()
    found = given_receipts(link)
    check_chain(found)
    assert len(found) == len(list(sealed(filmed.store)))
    here, there = verify(filmed.store, filmed.first_key), verify(station.copy("cam-7"), filmed.first_key)
    assert (there.verdict, there.findings) == (here.verdict, here.findings)
    assert not list((station.root / "staging").glob("*/*"))


def test_asked_for_again_it_is_the_same_receipt_also_after_a_start(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    send_ledger(link, filmed.store)
    file = next(sealed(filmed.store))
    first = send_segment(link, file).content
    assert send_segment(link, file).content == first
    station.close()
    station.open()
    link.client = station.client
    assert send_segment(link, file).content == first
    assert len(given_receipts(link)) == 1


def test_a_ledger_has_a_receipt_of_its_own_once(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    assert link.ask("POST", "receipts").status_code == 404
    send_ledger(link, filmed.store)
    first = link.ask("POST", "receipts")
    receipt = receipts.decode(first.content, "x").receipt
    assert receipt.segment is None
    last = (filmed.store / "ledger" / "000001.jsonl").read_bytes().splitlines()[-1]
    assert receipt.head == hashlib.sha256(last).hexdigest()
    assert link.ask("POST", "receipts").content == first.content


def failing(*_: object) -> None:
    raise StorageError("no space left")


def test_a_receipt_that_the_storage_has_not_is_given_to_nobody(
    filmed: FilmedStore, station: Station, link: CameraLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between index and storage: the receipt is signed, and not out yet."""
    send_ledger(link, filmed.store)
    file = next(sealed(filmed.store))
    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "put_receipt", failing)
        answer = send_segment(link, file)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert given_receipts(link) == []
    answer = send_segment(link, file)
    assert [one.document.file_bytes for one in given_receipts(link)] == [answer.content]
    assert list(station.storage.receipts("cam-7")) == [answer.content]


def test_the_audit_log_is_chained_and_in_every_receipt(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    send_ledger(link, filmed.store)
    for file in sealed(filmed.store):
        send_segment(link, file)
    lines = station.index.audit_lines()
    heads = [audit.head_of(line) for line in lines]
    assert audit.check(lines) == heads[-1]
    assert [one.receipt.audit_head for one in given_receipts(link)] == heads[1::2]
    with pytest.raises(DataError, match="line 3: it does not follow"):
        audit.check([*lines[:2], *lines[3:]])


def test_the_ledger_comes_first(filmed: FilmedStore, link: CameraLink) -> None:
    file = next(sealed(filmed.store))
    answer = link.part(f"recordings/{file.parent.name}/{file.name}", 0, b"x")
    assert (answer.status_code, answer.json()["title"]) == (409, "The ledger first")


def test_other_bytes_than_the_ledger_states_are_never_stored(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    """By whoever has the uplink's key: the file begins anew, and the true one comes."""
    send_ledger(link, filmed.store)
    file = next(sealed(filmed.store))
    path, true = f"recordings/{file.parent.name}/{file.name}", file.read_bytes()
    answer = link.part(path, 0, bytes(len(true)), last=True)
    assert (answer.status_code, answer.json()["title"]) == (422, "Not what the ledger says")
    assert link.part(path, 0, true + b"x", last=True).status_code == 422
    assert link.ask("HEAD", path).headers["upload-offset"] == "0"
    assert not (station.copy("cam-7") / "recordings").exists()
    assert send_segment(link, file).status_code == 200


@settings(max_examples=count(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_parts_in_any_order_repeated_or_cut_give_the_file_or_nothing(
    filmed: FilmedStore, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    with Station(tmp_path_factory.mktemp("station"), {filmed.sender.uplink_key.id: filmed.sender}) as station:
        link = CameraLink(station.client, "cam-7", filmed.uplink_key)
        send_ledger(link, filmed.store)
        file = data.draw(st.sampled_from(list(sealed(filmed.store))))
        path, true = f"recordings/{file.parent.name}/{file.name}", file.read_bytes()
        stored = station.copy("cam-7") / "recordings" / file.parent.name / file.name
        for _ in range(data.draw(st.integers(0, 6))):
            here = int(link.ask("HEAD", path).headers["upload-offset"])
            offset = data.draw(st.sampled_from([here, here, 0, data.draw(st.integers(0, len(true)))]))
            end = data.draw(st.integers(offset, len(true)))
            answer = link.part(path, offset, true[offset:end], last=end == len(true) or data.draw(st.booleans()))
            assert answer.status_code in (200, 204, 409, 422)
            assert stored.exists() == (link.ask("GET", path).status_code == 200)
        assert send_segment(link, file, most=40_000).status_code == 200
        assert stored.read_bytes() == true


def test_a_second_request_of_a_camera_is_not_waited_for(
    filmed: FilmedStore, station: Station, link: CameraLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one camera that asks often keeps all threads from the others."""
    begun, end = threading.Event(), threading.Event()
    real = LedgerCopy.append

    def held(*arguments: Any) -> None:
        begun.set()
        assert end.wait(30)
        real(*arguments)

    monkeypatch.setattr(LedgerCopy, "append", held)
    first = threading.Thread(target=send_ledger, args=(link, filmed.store))
    first.start()
    assert begun.wait(30)
    with httpx.Client(base_url=station.client.base_url, timeout=30) as client:
        answer = replace(link, client=client).ask("HEAD", "ledger/1")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        end.set()
        first.join()
        assert replace(link, client=client).ask("HEAD", "ledger/1").status_code == 204


def test_what_is_left_of_a_camera_that_is_gone_is_removed(filmed: FilmedStore, station: Station, link: CameraLink) -> None:
    send_ledger(link, filmed.store)
    file = next(sealed(filmed.store))
    link.part(f"recordings/{file.parent.name}/{file.name}", 0, file.read_bytes()[:1000])
    staging = station.intake._staging
    staged: Path = next((station.root / "staging").glob("*/*"))
    changed_us = staged.stat().st_mtime_ns // 1000
    assert staging.remove_old(changed_us) == 0
    assert staging.remove_old(changed_us + 1) == 1
    assert not staged.exists()
