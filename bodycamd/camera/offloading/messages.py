"""What is said when a sealed segment is read out: one request on each connection, a line of JSON, and one answer.

The answer is a line, `{"size": BYTES}` with the file's bytes after it, or `{"error": TEXT}` and nothing more.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bodycamd.errors import DataError
from bodycamd.foreign_text import shown

MAX_LINE_BYTES = 1024
LONGEST_ERROR = 300
Word = Annotated[str, Meta(max_length=64)]


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """A segment's file, by the names of recording and file."""

    recording: Word
    file: Word


class Answer(Struct, frozen=True, omit_defaults=True):
    """How many bytes come, or why none do."""

    size: Annotated[int, Meta(ge=0, lt=2**53)] | None = None
    error: str = ""


_WANTED = msgspec.json.Decoder(Wanted)
_ANSWERS = msgspec.json.Decoder(Answer)


def encode(message: Wanted | Answer) -> bytes:
    """As a line."""
    return msgspec.json.encode(message) + b"\n"


def decode_wanted(line: bytes) -> Wanted:
    """From whoever asks. Raises `DataError`."""
    try:
        return _WANTED.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f'a request is one line, {{"recording": NAME, "file": NAME}}: {shown(error, LONGEST_ERROR)}') from error


def decode_answer(line: bytes) -> Answer:
    """From the camera. Raises `DataError`."""
    try:
        answer = _ANSWERS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"not an answer of bodycamd-offload ({shown(error, LONGEST_ERROR)}): is it of another version?") from error
    if (answer.size is None) == (not answer.error):
        raise DataError("not an answer of bodycamd-offload: is it of another version?")
    return answer
