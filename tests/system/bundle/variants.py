"""From one real bundle, others: a newer one, two that must not stay, and one of a stranger. `python -m … BUNDLE KEY OUT`."""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from bodycamd.camera.installation.archive import unpack, verify
from bodycamd.camera.installation.release_key import read_release_keys
from bodycamd.evidence.keys import Signer, SigningKey
from bodycamd.municipality.copies.person_keys import load_person_key
from bodycamd.workshop.bundle.build import Source, assemble
from bodycamd.workshop.bundle.packages import stored_zip
from tests.kit.bundles import record_of

AT_ITS_START = b"import sys\nif '/etc/bodycamd/bodycamd.yaml' in sys.argv:\n    sys.exit(70)\n"
VARIANTS: Mapping[str, tuple[str, Mapping[str, bytes]]] = {
    "newer": ("900.0.1", {}),
    "unhealthy": ("900.0.2", {"bodycamd/camera/capture/worker/main.py": b"raise ImportError('a library is missing')\n"}),
    "not-ready": ("900.0.3", {"bodycamd/camera/daemon/__main__.py": AT_ITS_START}),
    "last": ("900.0.4", {}),
}
"""The version of each, and what stands at the beginning of which of its modules, after the first docstring and `__future__`."""


def make(bundle: Path, key: Signer, keys: Path, out: Path) -> None:
    """Write every variant into `out`, as NAME.bundle."""
    found = verify(bundle, read_release_keys(keys))
    for name, (version, changes) in VARIANTS.items():
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made) / "bundle"
            unpack(found, folder)
            [own] = (folder / "wheels").glob("bodycamd-*.whl")
            (folder / "wheels" / f"bodycamd-{version}-py3-none-any.whl").write_bytes(changed(own, found.manifest.version, version, changes))
            own.unlink()
            source = Source(version, found.manifest.machine, found.manifest.python, found.manifest.commit, found.manifest.commit_time)
            assemble(folder, source, key, out).path.rename(out / f"{name}.bundle")
            if name == "last":
                assemble(folder, source, SigningKey.generate(), out).path.rename(out / "strangers.bundle")


def changed(wheel: Path, before: str, after: str, changes: Mapping[str, bytes]) -> bytes:
    """The wheel as that of another version, with these changes."""
    files = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name in changes:
                head, future, rest = content.partition(b"from __future__ import annotations\n")
                content = head + future + changes[name] + rest
            if ".dist-info/" in name:
                content = content.replace(f"Version: {before}\n".encode(), f"Version: {after}\n".encode())
                content = content.replace(f"bodycamd-{before}.".encode(), f"bodycamd-{after}.".encode())
            files[name.replace(f"bodycamd-{before}.", f"bodycamd-{after}.")] = content
    info = f"bodycamd-{after}.dist-info"
    del files[f"{info}/RECORD"]
    return stored_zip({**files, f"{info}/RECORD": record_of(files, info)})


def main() -> None:
    bundle, key, keys, out = map(Path, sys.argv[1:])
    make(bundle, load_person_key(key, lambda: b""), keys, out)


if __name__ == "__main__":
    main()
