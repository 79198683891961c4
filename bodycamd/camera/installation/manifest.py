"""`bundle.json`, the signed description of a bundle: what it was made from, and every file in it with size and SHA-256.

Format `bodycam-bundle/1`: one line of JSON with sorted keys, in ASCII. The release key signs that line with the format's name on a line
before it. The SHA-256 of these signed bytes is the bundle's name everywhere: in the ledger, in reports, in orders. It does not depend on
the release key, so that whoever builds the same commit again gets the same name.

This package imports nothing but Python itself, and what of `bodycamd.linux` does the same: on a new camera it runs before any other
package is there.
"""

import hashlib
import json
import re
from typing import NamedTuple, NoReturn

from bodycamd.errors import DataError

FORMAT = "bodycam-bundle/1"
SIGNED_PREFIX = FORMAT.encode() + b"\n"
"""Stands before the manifest in what the release key signs: no other document of this product can pass for a bundle."""
MAX_MANIFEST_BYTES = 1024 * 1024
SIGNATURE_BYTES = 64
MAX_FILES = 1000
MAX_FILE_BYTES = 512 * 1024 * 1024
MAX_BYTES = 1024 * 1024 * 1024
"""Of all files together: what a card has room for beside the footage."""
MAX_FETCHED_BYTES = 512 * 1024 * 1024
"""Of a whole bundle that a camera fetches by itself. A longer one somebody brings."""
MACHINES = ("aarch64", "x86_64")

_PART = r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}"
_PATH = rf"{_PART}(/{_PART})?"
_VERSION = r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})(\.dev(0|[1-9][0-9]{0,8}))?"
_SHA256 = "[0-9a-f]{64}"
_COMMIT = "[0-9a-f]{40}"
_PYTHON = r"3\.[0-9]{1,3}"
_KEYS = {"format", "version", "machine", "python", "commit", "commit_time", "files"}
_MEMBER_KEYS = {"path", "size", "sha256"}


class Member(NamedTuple):
    """A file of the bundle: its path, at most one folder deep, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


class Manifest(NamedTuple):
    """What a bundle is. `commit` is git's hash of the source, `commit_time` its time in seconds since 1970: every file in the archive has
    it. `machine` and `python` are those for which the compiled packages in it were made.
    """

    version: str
    machine: str
    python: str
    commit: str
    commit_time: int
    files: tuple[Member, ...]


def as_fields(manifest: Manifest) -> dict[str, str | int | list[dict[str, str | int]]]:
    """As JSON has it, without the format's name."""
    return {**manifest._asdict(), "files": [member._asdict() for member in manifest.files]}


def encode(manifest: Manifest) -> bytes:
    """The bytes of `bundle.json`. Raises `DataError` for what `decode` would refuse."""
    raw = json.dumps({"format": FORMAT, **as_fields(manifest)}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    decode(raw)
    return raw


def decode(raw: bytes) -> Manifest:
    """The manifest in these bytes. Raises `DataError` for anything that `encode` does not make."""
    if len(raw) > MAX_MANIFEST_BYTES:
        _refuse(f"it is longer than {MAX_MANIFEST_BYTES} bytes")
    try:
        value = json.loads(raw.decode("ascii"), object_pairs_hook=_object, parse_constant=_refuse, parse_float=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError("bundle.json: not JSON in ASCII") from error
    fields = _fields(value, _KEYS)
    if fields["format"] != FORMAT:
        _refuse(f"its format is not {FORMAT}")
    files = fields["files"]
    if not isinstance(files, list) or not 0 < len(files) <= MAX_FILES:
        _refuse(f"files: 1 to {MAX_FILES} are allowed")
    manifest = Manifest(
        version=_text(fields, "version", _VERSION),
        machine=_text(fields, "machine", "|".join(MACHINES)),
        python=_text(fields, "python", _PYTHON),
        commit=_text(fields, "commit", _COMMIT),
        commit_time=_number(fields, "commit_time", 8**11 - 1),
        files=tuple(_member(entry) for entry in files),
    )
    _check_paths(manifest)
    if json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n" != raw:
        _refuse("it is not written as this format writes it")
    return manifest


def bundle_sha256(manifest: bytes) -> str:
    """The name of the bundle that has this `bundle.json`."""
    return hashlib.sha256(SIGNED_PREFIX + manifest).hexdigest()


def release_number(version: str) -> tuple[int, int, int, bool, int]:
    """The version as what can be compared: `0.2.0.dev3` comes before `0.2.0`. Raises `DataError` for what is no version."""
    found = re.fullmatch(_VERSION, version)
    if found is None:
        _refuse("version: not three numbers, or three with .dev and a fourth")
    major, minor, patch, development, number = found.groups()
    return int(major), int(minor), int(patch), development is None, int(number or 0)


def _check_paths(manifest: Manifest) -> None:
    paths = [member.path for member in manifest.files]
    if paths != sorted(set(paths)):
        _refuse("files: not sorted by path, or a path twice")
    folders = {path.partition("/")[0] for path in paths if "/" in path}
    if folders & set(paths) or {"bundle.json", "bundle.sig"} & {*paths, *folders}:
        _refuse("files: a path that something else has")
    if sum(member.size for member in manifest.files) > MAX_BYTES:
        _refuse(f"files: more than {MAX_BYTES} bytes together")


def _member(value: object) -> Member:
    fields = _fields(value, _MEMBER_KEYS)
    return Member(_text(fields, "path", _PATH), _number(fields, "size", MAX_FILE_BYTES), _text(fields, "sha256", _SHA256))


def _fields(value: object, keys: set[str]) -> dict[str, object]:
    if not isinstance(value, dict) or set(value) != keys:
        _refuse(f"an object of other keys than {', '.join(sorted(keys))}")
    return value


def _text(fields: dict[str, object], key: str, form: str) -> str:
    value = fields[key]
    if not isinstance(value, str) or re.fullmatch(form, value) is None:
        _refuse(f"{key}: not of the form that is allowed")
    return value


def _number(fields: dict[str, object], key: str, most: int) -> int:
    value = fields[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        _refuse(f"{key}: a whole number from 0 to {most} is allowed")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse("a key is repeated")
    return found


def _refuse(reason: str) -> NoReturn:
    raise DataError(f"bundle.json: {reason}")
