"""A recording goes into a bucket of the receiver's: what lies there is the same as in a folder, and nothing of theirs is overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bodycamd.errors import DataError, StorageError
from bodycamd.municipality.station.station_file import ReceiverBucketSettings, ReceiverSettings, judge_station
from bodycamd.municipality.verify.verify import verify
from tests.kit.scale import only_in_full
from tests.municipality.station.life import DEVICE, STATION_KEY, Life
from tests.municipality.station.test_forwarding import forward, logged, to_forward

BUCKET = "meldkamer-bodycams"
RECEIVER = ReceiverSettings(name="meldkamer", controller="Meldkamer Oost", s3=ReceiverBucketSettings(bucket=BUCKET), keeps_days=90)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "STATION")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "stationsecret")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


def content(client: Any) -> dict[str, bytes]:
    found = client.list_objects_v2(Bucket=BUCKET).get("Contents", ())
    return {one["Key"]: client.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in found}


def fetched(client: Any, to: Path) -> Path:
    """The receiver takes it out of its bucket."""
    for name, raw in content(client).items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(raw)
    return to / DEVICE / "store"


@only_in_full
def test_what_goes_into_a_bucket_verifies_and_goes_on(life: Life, bucket: Any, tmp_path: Path) -> None:
    other, name = life.record(), life.record()
    life.send()
    order = to_forward(life, name)
    done = forward(life, order, receivers=[RECEIVER])
    assert (done.new, done.store, done.note.controller) == (True, f"s3://{BUCKET}/{DEVICE}/store", "Meldkamer Oost")
    people = {STATION_KEY.public.id: ("station-1", STATION_KEY.public)}
    report = verify(fetched(bucket, tmp_path / "one"), life.first_key, people=people)
    assert {one.recording: one.verdict for one in report.recordings} == {name: "intact", other: "not_received"}
    assert [event for event, _ in logged(life)] == ["forwarding", "forwarded"]
    before = content(bucket)
    assert f"{DEVICE}/forwarded/{order.id}.order" in before
    assert not any(f"/{other}/" in key for key in before), "and no other one"
    assert forward(life, order, receivers=[RECEIVER]).new is False
    assert content(bucket) == before, "again is the same"
    life.record()
    life.send()
    forward(life, to_forward(life, other, 1), receivers=[RECEIVER])
    after = content(bucket)
    assert all(after[key].startswith(raw) for key, raw in before.items()), "ledger and inventory have grown, nothing else has changed"
    report = verify(fetched(bucket, tmp_path / "two"), life.first_key, people=people)
    assert {one.recording: one.verdict for one in report.recordings if one.verdict == "intact"} == {name: "intact", other: "intact"}


@only_in_full
@pytest.mark.parametrize("where", ["store/recordings/{name}/000000.tar", "store/ledger/000001.jsonl", "store/copy.jsonl"])
def test_what_lies_in_the_bucket_is_never_overwritten(where: str, life: Life, bucket: Any) -> None:
    name = life.record()
    life.send()
    key = f"{DEVICE}/{where.format(name=name)}"
    bucket.put_object(Bucket=BUCKET, Key=key, Body=b"something else")
    with pytest.raises(DataError):
        forward(life, to_forward(life, name), receivers=[RECEIVER])
    assert content(bucket)[key] == b"something else"
    assert "forwarded" not in [event for event, _ in logged(life)]


@only_in_full
def test_names_in_the_bucket_lead_nowhere(life: Life, bucket: Any) -> None:
    name = life.record()
    life.send()
    planted = [f"{DEVICE}/store/recordings/{what}" for what in ("../../../x/000000.tar", "000001-0009/../../../y", "a/b/000000.tar", "z")]
    for key in planted:
        bucket.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    assert forward(life, to_forward(life, name), receivers=[RECEIVER]).new
    assert {content(bucket)[key] for key in planted} == {b"x"}


@only_in_full
def test_what_is_altered_there_goes_no_second_time_unseen(life: Life, bucket: Any) -> None:
    name = life.record()
    life.send()
    order = to_forward(life, name)
    forward(life, order, receivers=[RECEIVER])
    key = f"{DEVICE}/store/recordings/{name}/000000.tar"
    raw = bytearray(content(bucket)[key])
    raw[700] ^= 1
    bucket.put_object(Bucket=BUCKET, Key=key, Body=bytes(raw))
    with pytest.raises(DataError, match="another file has this name"):
        forward(life, order, receivers=[RECEIVER])


@only_in_full
def test_a_bucket_that_is_not_there_ends_with_an_error(life: Life, bucket: Any) -> None:
    name = life.record()
    life.send()
    bucket.delete_bucket(Bucket=BUCKET)
    with pytest.raises(StorageError):
        forward(life, to_forward(life, name), receivers=[RECEIVER])
    assert "forwarded" not in [event for event, _ in logged(life)]


@pytest.mark.parametrize(
    ("place", "said"),
    [("", "neither"), ("folder: /mnt/x, s3: {bucket: their-bucket}, ", "both"), ("s3: {bucket: own-bucket}, ", "own bucket")],
)
def test_a_receiver_has_one_place_that_is_not_the_stations(place: str, said: str) -> None:
    keys = "keys: {signing: /a, root: /b, roster: /c}"
    receivers = f"receivers: [{{name: meldkamer, controller: M, {place}keeps_days: 90}}]"
    raw = f"name: station-1\nauthority: s.example\ndata: /d\n{keys}\ns3: {{bucket: own-bucket}}\n{receivers}\n"
    settings, problems = judge_station(raw.encode())
    assert settings is None
    assert said in problems[0].text("x")
    good = raw.replace(place, "s3: {bucket: their-bucket}, ") if place else raw.replace("keeps_days", "folder: /x, keeps_days")
    assert judge_station(good.encode())[1] == []
