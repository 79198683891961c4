"""Characters by their number: what a configuration holds can be written to a disk and a socket, or is refused with its line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodycamd.config.strict_yaml import read_document
from tests.kit.scale import count


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ('"\\ud800x"', "speaker.device", "half of a surrogate pair (U+D800)"),
        ('"\\ud83d\\ude00"', "speaker.device", "half of a surrogate pair (U+D83D)"),
        ('"\\0"', "speaker.device", "a control character"),
        ('["\\udfff"]', "speaker.device[0]", "half of a surrogate pair (U+DFFF)"),
        ('{"\\udc80": 1}', "speaker.device", "a key that is not a plain word"),
        ('"\\U00110000"', "", "an escape of no character"),
    ],
)
def test_what_is_no_character_is_one_line_with_its_place(text: str, key: str, words: str) -> None:
    (problem,) = read_document(f"device_id: c\nspeaker: {{device: {text}}}\n".encode()).problems
    assert (problem.line, problem.key) == (2, key)
    assert words in problem.reason


@given(numbers=st.lists(st.integers(0, 0x11FFFF) | st.integers(0xD7FF, 0xE000) | st.integers(0, 0xA0), min_size=1, max_size=4))
@settings(max_examples=count(300))
def test_any_characters_by_their_numbers_are_text_or_refused(numbers: list[int]) -> None:
    escaped = "".join(f"\\U{number:08X}" for number in numbers)
    document = read_document(f'"k{escaped}": "v{escaped}"\n'.encode())
    if not document.problems:
        json.dumps(document.values, ensure_ascii=False).encode()
        assert document.values == {f"k{''.join(map(chr, numbers))}": f"v{''.join(map(chr, numbers))}"}
    assert all(problem.line == 1 for problem in document.problems)
