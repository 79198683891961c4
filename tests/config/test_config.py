"""Loading: defaults, paths, the shipped file, the schema, and that no input breaks the reader."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.cli.main import main
from bodycamd.config import load
from bodycamd.config import settings as configuration
from bodycamd.config.settings import Config
from bodycamd.config.strict_yaml import read_strictly
from bodycamd.errors import ConfigError
from bodycamd.foreign_text import json_text
from tests.config.conftest import GOOD
from tests.kit.scale import count, only_in_full

SHIPPED = Path(__file__).parents[2] / "config" / "bodycamd.yaml"
SYSTEM_USERS = Path(__file__).parents[2] / "systemd" / "bodycamd.sysusers"


def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def test_the_shipped_file_is_right_and_gives_every_key_with_its_default() -> None:
    load.load(SHIPPED)
    shipped = flat(read_strictly(SHIPPED.read_bytes(), "shipped"))
    defaults = flat(msgspec.to_builtins(Config(device_id=shipped["device_id"])))
    assert shipped == defaults
    assert list(shipped) == list(configuration.key_types())


def test_the_shipped_files_comments_give_bounds_and_default() -> None:
    lines = SHIPPED.read_text().splitlines()
    types = configuration.key_types()
    sections: list[str] = []
    checked = 0
    for number, line in enumerate(lines):
        match = re.match(r"( *)([a-z_]+):", line)
        if match is None:
            continue
        sections = [*sections[: len(match[1]) // 2], match[2]]
        key = ".".join(sections)
        if key in types:
            field = types[key]
            default = "no default" if field.required else f"default {yaml.safe_dump(field.default).split(chr(10))[0]}"
            assert lines[number - 1].strip() == f"# [{configuration.allowed(key)}; {default}]", key
            assert lines[number - 2].strip().startswith("# "), key
            checked += 1
    assert checked == len(types)


def test_schema_shipped_file_and_system_users_say_the_same_of_the_groups() -> None:
    described = json.loads(json_text(configuration.schema()))["$defs"]["SocketSettings"]["properties"]
    shipped, users = (" ".join(re.sub(r"^ *# ", "", path.read_text(), flags=re.MULTILINE).split()) for path in (SHIPPED, SYSTEM_USERS))
    for key, words in (
        ("group", "connect and read: status, events, an anchor, the holds, what a sweep would delete"),
        ("admin_group", "begin and end shifts, place and release holds, sweep and log an offload"),
    ):
        assert described[key]["description"] in shipped
        for text in (described[key]["description"], users):
            assert words in text


def test_an_ordinary_yaml_reader_reads_the_shipped_file_alike() -> None:
    assert yaml.safe_load(SHIPPED.read_text()) == read_strictly(SHIPPED.read_bytes(), "shipped")


def test_relative_paths_are_relative_to_the_files_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "bodycamd.yaml").write_text(GOOD + "storage: {directory: ../store}\n")
    monkeypatch.chdir(folder)
    config = load.load("bodycamd.yaml")
    assert config.keys.recipients == str(folder / "recipients.txt")
    assert Path(config.storage.directory).resolve() == folder.parent / "store"
    assert config.warning_path == folder / "warnings" / "nl.wav"
    assert config.control.socket == "/run/bodycamd/control.sock"
    load.check_files(config, "bodycamd.yaml")


def test_a_configuration_for_pre_event_recording(folder: Path) -> None:
    (folder / "c.yaml").write_text(GOOD + "pre_event_seconds: 30\npre_event_audio: true\nrecord_warning: true\n")
    config = load.load(folder / "c.yaml")
    assert (config.pre_event_seconds, config.ring.max_bytes) == (30, 128_000_000)


def test_the_schema_describes_every_key_and_closes_every_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    schema = msgspec.json.decode(capsys.readouterr().out)
    assert schema == configuration.schema()
    for name, section in schema["$defs"].items():
        assert section["additionalProperties"] is False, name
        for key, described in section["properties"].items():
            assert "$ref" in str(described) or described.get("description"), (name, key)


def refusal(read: Callable[[], object]) -> str | None:
    try:
        read()
    except ConfigError as error:
        return str(error)
    return None


def check_refusal(reason: str | None, name: str) -> None:
    assert reason is None or (reason.startswith(name) and "; allowed: " in reason and "\n" not in reason)


@given(st.binary(max_size=200))
@settings(max_examples=count(5000))
def test_any_bytes_give_a_mapping_or_one_line(raw: bytes) -> None:
    check_refusal(refusal(lambda: read_strictly(raw, "F")), "F: ")


SIGNS = ["---", "...", "[", "]", "{", "}", ":", "? ", "- ", ",", "'", '"', "|", "#", "\n", "\n  ", " "]
WORDS = ["device_id", "video", "width", "no", "on", "1", "0x1", "&a", "*a", "<<", "!!str", "%TAG", "1:30", "null", "~", *SIGNS]


@only_in_full
@given(st.lists(st.sampled_from(WORDS), max_size=30))
@settings(max_examples=count(10_000))
def test_any_yaml_gives_a_configuration_or_one_line(words: list[str]) -> None:
    check_refusal(refusal(lambda: load.parse(" ".join(words).encode(), Path("/c/F"))), "/c/F: ")


Values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(0.001, 1000).map(lambda f: round(f, 3))
    | st.text("abc no", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), inner, max_size=3),
    max_leaves=10,
)


@only_in_full
@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=4), Values, min_size=1, max_size=4))
@settings(max_examples=count(2000))
def test_what_an_ordinary_writer_writes_is_read_as_it_was(values: dict[str, Any]) -> None:
    text = yaml.safe_dump(values, default_flow_style=False, width=10_000).replace(".0e+", "e+")
    read: list[dict[str, Any]] = []
    reason = refusal(lambda: read.append(read_strictly(text.encode(), "F")))
    if reason is None:
        assert read == [values]
    else:
        assert any(word in reason for word in ("means different", "too deeply", "anchor")), reason
