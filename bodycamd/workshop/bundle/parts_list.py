"""`sbom.cdx.json`: what is in a bundle, as CycloneDX 1.6, for the programs that look for packages with known weaknesses.

Every component has the SHA-256 of its file. Nothing in it depends on the day, the machine or the builder.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from bodycamd.workshop.bundle.locks import LockedPackage, LockedWheel

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:bodycamd:bundle")


def parts_list(
    version: str, commit: str, commit_time: int, wheels: Sequence[LockedWheel], debian: Sequence[LockedPackage], machine: str
) -> bytes:
    """The list, sorted, as indented JSON. `commit_time`: seconds since 1970."""
    product = Component(name="bodycamd", version=version, type=ComponentType.APPLICATION, bom_ref="bodycamd")
    components = [
        _component(wheel.name, wheel.version, wheel.sha256, PackageURL("pypi", None, wheel.name.lower().replace("_", "-"), wheel.version))
        for wheel in wheels
    ]
    components += [
        _component(
            package.name,
            package.version,
            package.sha256,
            PackageURL("deb", "debian", package.name, package.version, {"arch": package.architecture}),
        )
        for package in debian
    ]
    bom = Bom(
        components=components,
        serial_number=uuid.uuid5(NAMESPACE, f"{version} {commit} {machine}"),
        metadata=BomMetaData(component=product, timestamp=datetime.fromtimestamp(commit_time, UTC)),
    )
    bom.register_dependency(product, components)
    return JsonV1Dot6(bom).output_as_string(indent=1).encode() + b"\n"


def _component(name: str, version: str, sha256: str, address: PackageURL) -> Component:
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=address.to_string(),
        purl=address,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
    )
