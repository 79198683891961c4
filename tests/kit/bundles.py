"""Small bundles for tests, signed by a key of theirs, and the index of wheels that building one takes."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bodycamd.camera.installation import layout
from bodycamd.camera.installation.manifest import SIGNED_PREFIX, Manifest, Member, encode
from bodycamd.evidence.keys import SigningKey

COMMIT, COMMIT_TIME = "c0ffee" + "0" * 34, 1_760_000_000
FILES: Mapping[str, bytes] = {"install.pyz": b"#!/usr/bin/python3\n", "sbom.cdx.json": b"{}\n", "wheels/tiny-1.0.whl": b"tiny" * 300}


@dataclass
class Release:
    """A release key with its public half in a file, and bundles signed with it."""

    folder: Path
    key: SigningKey = field(default_factory=SigningKey.generate)

    @property
    def public(self) -> Path:
        path = self.folder / f"{self.key.public.id[:8]}.pem"
        path.write_bytes(self.key.public.pem())
        return path

    @staticmethod
    def manifest(version: str, files: Mapping[str, bytes] = FILES) -> bytes:
        """The `bundle.json` of the bundle of this version."""
        return encode(manifest_of(version, files, "x86_64", "3.11"))

    def bundle(self, version: str = "0.2.0", files: Mapping[str, bytes] = FILES, machine: str = "x86_64", python: str = "3.11") -> Path:
        """Write a bundle and return its path."""
        path = self.folder / f"{self.key.public.id[:8]}-{version}.bundle"
        path.write_bytes(bundle_bytes(self.key, version, files, machine, python))
        return path


def manifest_of(version: str, files: Mapping[str, bytes], machine: str, python: str) -> Manifest:
    members = tuple(Member(path, len(content), hashlib.sha256(content).hexdigest()) for path, content in sorted(files.items()))
    return Manifest(version, machine, python, COMMIT, COMMIT_TIME, members)


def bundle_bytes(
    key: SigningKey, version: str = "0.2.0", files: Mapping[str, bytes] = FILES, machine: str = "x86_64", python: str = "3.11"
) -> bytes:
    made = manifest_of(version, files, machine, python)
    raw = encode(made)
    content = layout.beginning(made, raw, key.sign(SIGNED_PREFIX + raw))
    for member in made.files:
        content += layout.header(member.path, member.size, COMMIT_TIME) + files[member.path] + layout.padding(member.size)
    return content + layout.END


def wheel(name: str, version: str, code: str = "") -> tuple[str, bytes]:
    """A wheel of one module, its file name and its bytes."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": code.encode(),
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = record_of(files, info)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as made:
        for path, content in files.items():
            made.writestr(path, content)
    return f"{name}-{version}-py3-none-any.whl", target.getvalue()


def record_of(files: Mapping[str, bytes], info: str) -> bytes:
    """The RECORD of a wheel of these files, for its folder of metadata."""
    record = "".join(f"{path},sha256={_record_hash(content)},{len(content)}\n" for path, content in files.items())
    return (record + f"{info}/RECORD,,\n").encode()


def source_repository(folder: Path, version: str = "0.2.0") -> Path:
    """A git repository with a package that is called as the product, small enough to be built in a test."""
    package = folder / "bodycamd"
    (package / "camera/installation").mkdir(parents=True)
    (package / "__init__.py").write_text(f'__version__ = "{version}"\n')
    for name in ("camera", "camera/installation"):
        (package / name / "__init__.py").write_text("")
    (package / "camera/installation/__main__.py").write_text("def main() -> int:\n    return 0\n")
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n[project]\nname = "bodycamd"\n'
        f'version = "{version}"\n[tool.setuptools.packages.find]\ninclude = ["bodycamd*"]\n'
    )
    for command in (("init", "-q"), ("add", "."), ("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "source")):
        subprocess.run(["git", "-C", folder, *command], check=True, capture_output=True)
    return folder


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
