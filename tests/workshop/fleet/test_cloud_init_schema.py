"""What a card tells cloud-init, held against cloud-init's own schema, from Debian's package.

Trixie's schema refuses misspelt keys, and cloud-init then warns in a log; the one of Debian 12 (22.4) passes them over. Both are less than
what `cloud_init.read` holds a card to.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from bodycamd.workshop.fleet import cloud_init
from bodycamd.workshop.fleet.cloud_init import User
from tests.kit.scale import only_in_full
from tests.workshop.fleet.test_cards import SSH

SCHEMA = "usr/lib/python3/dist-packages/cloudinit/config/schemas/schema-cloud-config-v1.json"
TECHNICIAN = User(name="u-t-01", groups=("bodycam", "bodycam-offload"), shell="/bin/bash", lock_passwd=True, ssh_authorized_keys=(SSH,))


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cloud-init")
    got = subprocess.run(["apt-get", "-q", "download", "cloud-init"], cwd=folder, capture_output=True, text=True)
    if got.returncode != 0:
        pytest.skip(f"Debian's cloud-init cannot be fetched: {got.stderr.strip()[-200:]}")
    [package] = folder.glob("*.deb")
    subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
    return folder / SCHEMA


@only_in_full
@pytest.mark.parametrize("users", [(), (TECHNICIAN,)], ids=["nobody", "a technician"])
def test_a_card_keeps_cloud_inits_own_schema(schema: Path, users: tuple[User, ...]) -> None:
    text = cloud_init.files(cloud_init.told("hv-07", "0" * 16, "Europe/Amsterdam", users))[cloud_init.USER_DATA]
    errors = jsonschema.Draft4Validator(json.loads(schema.read_text())).iter_errors(yaml.safe_load(text))
    told = [f"{[*error.path]}: {error.message[:100]}" for error in errors]
    # Nobody at all, not even the image's default user: an empty list, which the schema of 22.4 did not know yet.
    assert [line for line in told if line != "['users']: [] should be non-empty"] == []
