"""The fleet file: every mistake at once, each with its line, and the shipped examples are right."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.config import load
from bodycamd.workshop.fleet import checks, configurations
from bodycamd.workshop.fleet.fleet_file import expanded, read_fleet
from tests.kit.scale import count, sample
from tests.workshop.fleet.fleets import CONFIG, EXAMPLE


def told(text: str) -> list[str]:
    return [problem.text("f") for problem in checks.check(read_fleet(text.encode()))]


def line_of(text: str, what: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if what in line)


@pytest.mark.parametrize(
    ("file", "cameras"), [("fleet.example.yaml", {"handhaving": 26, "inspectie": 2}), ("fleet-small.example.yaml", {"toezicht": 6})]
)
def test_the_shipped_examples_are_the_two_cases_and_nobodys(file: str, cameras: dict[str, int]) -> None:
    reading = read_fleet((CONFIG / file).read_bytes())
    assert checks.check(reading) == []
    assert reading.fleet is not None
    assert {team.id: len(expanded(team.cameras)) for team in reading.fleet.teams} == cameras
    nobodys = [problem.key for problem in checks.doubts(reading.fleet)]
    assert nobodys == ["people[0].recipient", "people[1].recipient"]


AGE = EXAMPLE[EXAMPLE.index("age1") :][:12]
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "a name instead of a pseudonym": ("id: E-02", "id: Piet", "people[1].id: the value is out of bounds: Piet", "id: Piet"),
    "an unknown role": ("[privacy]", "[privcy]", "people[4].roles[0]: unknown value: privcy", "privcy"),
    "an unknown key": ("id: A-01", "idd: A-01", "people[5].idd: unknown key", "idd: A-01"),
    "a key that is missing": ("id: A-01", "idd: A-01", "people[5].id: the key is missing", "idd: A-01"),
    "a wrong type": ("threshold: 1", "threshold: true", "root.threshold: true/false does not belong here", "threshold"),
    "a yes": ("threshold: 1", "threshold: yes", "root.threshold: yes means different things", "threshold"),
    "a repeated key": (
        "roles: [privacy]",
        "roles: [privacy]\n    roles: [evidence]",
        "people[4].roles: the key is repeated",
        "    roles: [evidence]\n",
    ),
    "a threshold that cannot be met": ("threshold: 1", "threshold: 3", "root.threshold: 3, of 2 keys", "threshold"),
    "a camera twice": ("IN-01,", "hv-02,", "hv-02 is in teams[0].cameras[0] already", "hv-02"),
    "a range that is none": ("HV-01..HV-26", "HV-26..HV-01", "HV-26..HV-01 is not a range", "HV-26"),
    "a camera's name with a space": ("IN-01,", "IN 01,", "teams[1].cameras[0]: the value is out of bounds: IN 01", "IN 01"),
    "a person twice": ("id: E-02", "id: e-01", "people[1].id: the id is that of people[0]", "id: e-01"),
    "a team that is not there": ("teams: [inspectie]", "teams: [boten]", "people[3].teams: team boten is not listed", "boten"),
    "evidence without a recipient": ("roles: [privacy]", "roles: [evidence]", "people[4]: the role evidence needs a recipient", "id: P-01"),
    "an age recipient with a letter too many": (AGE, f"{AGE}q", "recipient: the value is out of bounds", f"{AGE}q"),
    "one recipient": ("roles: [evidence]\n", "roles: [privacy]\n", "teams[0]: 0 footage recipients", "id: handhaving"),
    "a configuration that is wrong": ("days: 28", "days: 31", "configuration.retention.days: 31 days need a legal basis", "days: 31"),
    "a team's configuration that is wrong": (
        "post_event_seconds: 30",
        "post_event_secnds: 30",
        "teams[1].configuration.post_event_secnds: unknown key",
        "post_event_secnds",
    ),
    "a setting that is the card's": (
        "  timezone: Eu",
        "  device_id: x\n  timezone: Eu",
        "configuration.device_id: not set here",
        "device_id",
    ),
    "an ssh key with somebody's name": (
        "id: T-01",
        "id: T-01\n    ssh_key: ssh-ed25519 AAAA" + "B" * 64 + " piet@laptop",
        "people[6].ssh_key: the value is out of bounds",
        "piet",
    ),
}


@pytest.mark.parametrize("case", sample(MISTAKES, 4))
def test_a_mistake_is_told_with_its_line(case: str) -> None:
    old, new, said, where = MISTAKES[case]
    text = EXAMPLE.replace(old, new)
    found = [line for line in told(text) if said in line]
    assert len(found) == 1, told(text)
    assert found[0].startswith(f"f: line {line_of(text, where.strip())}: " if "\n" not in where else "f: line ")


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    names = ["a name instead of a pseudonym", "an unknown role", "a wrong type", "a camera's name with a space", "an unknown key"]
    text = EXAMPLE
    for name in names:
        text = text.replace(*MISTAKES[name][:2])
    found = told(text)
    for name in [*names, "a key that is missing"]:
        assert any(MISTAKES[name][2] in line for line in found), name
    assert len(found) == 6
    lines = [int(line.split()[2].rstrip(":")) for line in found]
    assert lines == sorted(lines)


def test_a_private_key_is_told_and_never_shown() -> None:
    secret = "AGE-SECRET-" + "KEY-1" + "Q" * 58
    [said] = told(EXAMPLE + f"# {secret}\n")
    assert "a private key" in said
    assert "QQQ" not in said


def test_a_wrong_checksum_of_a_recipient_is_found() -> None:
    start = EXAMPLE.index("age1") + 20
    changed = "q" if EXAMPLE[start] != "q" else "p"
    assert [line for line in told(EXAMPLE[:start] + changed + EXAMPLE[start + 1 :]) if "a character is wrong" in line]


def test_a_camera_has_the_settings_of_all_and_those_of_its_team(tmp_path: Path) -> None:
    reading = read_fleet(EXAMPLE.encode())
    first, second = (load.parse(configurations.configuration(reading, "x", team, "IN-01"), tmp_path / "c.yaml") for team in (0, 1))
    assert (first.device_id, first.post_event_seconds, second.post_event_seconds) == ("IN-01", 0, 30)
    assert first.retention == second.retention


def test_a_time_zone_that_nobody_has_is_found_beside_every_other_mistake() -> None:
    text = EXAMPLE.replace("Europe/Amsterdam", "Europe/Amsterdm")
    place = f"f: line {line_of(text, 'Amsterdm')}: configuration.timezone: no time zone is called Europe/Amsterdm"
    assert [line[: len(place)] for line in told(text)] == [place]
    both = told(text.replace("days: 28", "days: 31"))
    assert [line for line in both if line.startswith(place)]
    assert [line for line in both if "days need a legal basis" in line]


@settings(max_examples=count(100))
@given(st.data())
def test_no_change_of_the_file_ends_in_anything_but_a_list_of_mistakes(data: st.DataObject) -> None:
    raw = EXAMPLE.encode()
    at = data.draw(st.integers(0, len(raw) - 1))
    put = data.draw(
        st.one_of(st.binary(max_size=4), st.sampled_from([b"[", b"{", b": ", b"\n- ", b"null", b"'", b"&a ", b"*a", b"..", b"\t"]))
    )
    for problem in checks.check(read_fleet(raw[:at] + put + raw[at + data.draw(st.integers(0, 30)) :])):
        assert "\n" not in problem.text("f")


@settings(max_examples=count(300))
@given(st.integers(0, 9999), st.integers(0, 9999), st.integers(1, 4))
def test_a_range_is_as_many_cameras_as_it_says(first: int, last: int, width: int) -> None:
    span = f"A-{first:0{width}d}..A-{last:0{width}d}"
    ends = span.replace("A-", "").split("..")
    if first <= last and len(ends[0]) == len(ends[1]) and last - first < 1000:
        assert [int(name[2:]) for name in expanded([span])] == list(range(first, last + 1))
    else:
        with pytest.raises(ValueError, match="not a range"):
            expanded([span])
