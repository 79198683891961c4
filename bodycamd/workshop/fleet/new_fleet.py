"""A fleet file to begin with: the root keys are in it, everything else is to be filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping

MUNICIPALITY = re.compile(r"[a-z][a-z0-9-]{0,62}\Z")

_FILE = """\
# The fleet file of {municipality}: cameras, teams and people. Public halves only; config/fleet.example.yaml explains every part.
# After a change:   bodycamd fleet check fleet.yaml
municipality: {municipality}

root:
  version: 1
  threshold: {threshold}
  keys:
{keys}

# Settings of every camera, as in bodycamd.yaml. A team may have a `configuration:` of its own.
configuration:
  timezone: Europe/Amsterdam
  warning: {{language: nl}}
  retention: {{days: 28}}
  shift: {{salt: "{salt}"}}   # for officers' cards (board.card_reader): made once, and never another one

teams:
  - id: handhaving
    title: Toezicht en Handhaving
    cameras: [HV-01..HV-06]

# `bodycamd keys person for-fleet E-01 --roles evidence --out DIR` makes a person's keys and prints the lines for here.
# At least two people with the role evidence for each team, one with the role privacy. The lines take the place of the []: behind
# `people:` then nothing stands.
people: []

# Officers' cards, for cameras with a reader: `bodycamd fleet officer-card H-12` prints the line. A card selects a pseudonym, no more.
officers: []
"""


def fleet_file(municipality: str, root_keys: Mapping[str, str], threshold: int, salt: str) -> str:
    """The text of the file; `root_keys` are public halves in hex by their names, `salt` 32 hex digits that nobody had before."""
    keys = "\n".join(f"    - {{id: {name}, key: {key}}}" for name, key in root_keys.items())
    return _FILE.format(municipality=municipality, threshold=threshold, keys=keys, salt=salt)
