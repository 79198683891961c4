"""The station's configuration, `station.yaml`: strict YAML, every mistake at once, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address, ip_network
from itertools import islice
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from bodycamd.config.bounds import Settings, Text
from bodycamd.config.load import MAX_PROBLEMS, read
from bodycamd.config.problems import Problem, in_order
from bodycamd.config.sections import allowed_in, judged, nothing_beside
from bodycamd.config.strict_yaml import Document, read_document
from bodycamd.errors import ConfigError
from bodycamd.evidence.pseudonyms import PSEUDONYM, Pseudonym
from bodycamd.evidence.roster import KeyName
from bodycamd.evidence.statements import RawPublicKey
from bodycamd.foreign_text import shown

Authority = Annotated[str, Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[1-9][0-9]{0,4})?\Z")]


PUSH: Final = "push:"
"""Before a pseudonym, in `help.to`: that person is reached by a push, and not by the command."""


class ListenSettings(Settings, frozen=True, kw_only=True):
    """Where the proxy reaches it: on this computer alone, unless it is told otherwise. TLS ends at the proxy."""

    address: Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]{2,45}\Z")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8640


class MetricsSettings(ListenSettings, frozen=True, kw_only=True):
    """Where figures and health are told: to whoever reaches it, so on this computer alone, or in a network of those who keep it running."""

    address: Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]{2,45}\Z")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8641


class KeySettings(Settings, frozen=True, kw_only=True):
    """`signing`: the station's Ed25519 key in PEM, which signs receipts. `root` and `roster`: whose word counts, as a camera's card has
    them."""

    signing: Text
    root: Text
    roster: Text


class BucketSettings(Settings, frozen=True, kw_only=True):
    """A bucket with Object Lock, for everything but the ledgers. Who may use it, boto3 finds by itself."""

    bucket: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")]
    endpoint: Annotated[str, Meta(pattern=r"^https?://[^\s]{1,200}\Z")] | None = None
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")] | None = None
    mode: Literal["GOVERNANCE", "COMPLIANCE"] = "GOVERNANCE"


class AuthoritySettings(Settings, frozen=True, kw_only=True):
    """Who stamps the log once a day (RFC 3161), and the file of the certificates, in PEM, in whose word on time is believed."""

    url: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]{1,255}(/[!-~]{0,400})?\Z")]
    ca: Text


class PushSettings(Settings, frozen=True, kw_only=True):
    """Web Push: the station's own key for it; how a push service reaches who runs the station; the folder of subscriptions,
    `PSEUDONYM.json` each; to whom the daily test is pushed; and, for a push service of one's own, its networks and its root."""

    key: Text
    contact: Annotated[str, Meta(pattern=r"^(mailto:[A-Za-z0-9._+-]{1,64}@|https://)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}\Z")]
    subscriptions: Text
    test: Pseudonym | None = None
    networks: Annotated[tuple[Annotated[str, Meta(max_length=49)], ...], Meta(max_length=16)] = ()
    ca: Text | None = None


class HelpSettings(Settings, frozen=True, kw_only=True):
    """Who is called when an officer calls for help, one after the other, and how: `push:` and a pseudonym by Web Push, everybody else by
    the command. `{to}` and `{text}` are put into its words; the text is on its standard input too."""

    command: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(min_length=1, max_length=16)] | None = None
    push: PushSettings | None = None
    to: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^(push:)?[+A-Za-z0-9][A-Za-z0-9@._+-]{1,99}\Z")], ...], Meta(min_length=2, max_length=16)
    ]
    answer_seconds: Annotated[int, Meta(ge=10, le=600)] = 30
    timeout_seconds: Annotated[int, Meta(ge=1, le=15)] = 8
    language: Literal["nl", "en"] = "nl"


class ReceiverBucketSettings(Settings, frozen=True, kw_only=True):
    """A bucket of theirs, in which nothing else lies below the cameras' names. Who may use it, boto3 finds by itself."""

    bucket: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z")]
    endpoint: Annotated[str, Meta(pattern=r"^https?://[^\s]{1,200}\Z")] | None = None
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,40}\Z")] | None = None


class ReceiverStationSettings(Settings, frozen=True, kw_only=True):
    """The receiver's own station, which takes what is forwarded out of the folder: what its roster calls it, and its public key."""

    name: KeyName
    key: RawPublicKey


class ReceiverSettings(Settings, frozen=True, kw_only=True):
    """Somebody to whom recordings may be forwarded: a controller of its own, which keeps them for its own term. Only where
    `same_disk` says so may its folder be on the station's own disk: else that is a disk that is not mounted."""

    name: KeyName
    controller: Annotated[str, Meta(min_length=1, max_length=100)]
    folder: Annotated[str, Meta(pattern=r"^/.{0,1000}\Z")] | None = None
    same_disk: bool = False
    s3: ReceiverBucketSettings | None = None
    station: ReceiverStationSettings | None = None
    keeps_days: Annotated[int, Meta(ge=1, le=36_500)]


class ForwardedFromSettings(Settings, frozen=True, kw_only=True):
    """A municipality whose station forwards to this one. `name` is what it is called here, `receiver` what it calls this station in its
    orders; `root` is the file of its root, `folder` where it forwards to. For so many days is it kept here."""

    name: KeyName
    receiver: KeyName
    root: Text
    folder: Annotated[str, Meta(pattern=r"^/.{0,1000}\Z")]
    keeps_days: Annotated[int, Meta(ge=1, le=36_500)]


class StationSettings(Settings, frozen=True, kw_only=True):
    """All of it. `name` is what the roster calls this station, `authority` what cameras call it: host, and port where it is not 443."""

    name: KeyName
    authority: Authority
    data: Text
    keys: KeySettings
    index: Text | None = None
    s3: BucketSettings | None = None
    listen: ListenSettings = ListenSettings()
    metrics: MetricsSettings | None = None
    timestamp_authority: AuthoritySettings | None = None
    help: HelpSettings | None = None
    receivers: Annotated[tuple[ReceiverSettings, ...], Meta(max_length=16)] = ()
    forwarded_from: Annotated[tuple[ForwardedFromSettings, ...], Meta(max_length=16)] = ()
    days: Annotated[int, Meta(ge=1, le=28)] = 28

    @property
    def index_url(self) -> str:
        """Of the database; by default a file in `data`."""
        return self.index or f"sqlite:///{Path(self.data).absolute()}/index.sqlite"


ALLOWED: Mapping[str, str] = {
    "name": "small letters, digits and -, such as station-1: as the roster has it",
    "authority": "the station's public name in small letters, such as station.example.nl, with its port where that is not 443",
    "data": "a folder on a disk that keeps what is synchronised to it",
    "keys": "a mapping of signing, root, roster",
    "signing": "the file of the station's key, as `bodycamd station init` makes it",
    "root": "the file of the municipality's root, as `bodycamd fleet roster` writes it",
    "roster": "the file of the roster in force",
    "index": "sqlite:////PATH or postgresql+psycopg://USER@HOST/DATABASE",
    "listen": "a mapping of address, port",
    "timestamp_authority": "a mapping of url, ca; the log is not stamped without it",
    "url": "a URL such as https://tsa.example.nl/tsr",
    "ca": "a file of certificates in PEM: the authority's root",
    "metrics.address": "an IP address of this computer in one network, such as 127.0.0.1; not all of them",
    "metrics": "a mapping of address, port; nothing is told without it",
    "address": "an IP address, such as 127.0.0.1",
    "port": "a whole number from 1 to 65535",
    "days": "a whole number from 1 to 28",
    "s3": "a mapping of bucket, endpoint, region, mode",
    "bucket": "the name of a bucket that was made with Object Lock",
    "endpoint": "a URL such as https://s3.example.nl, where it is not Amazon's",
    "region": "small letters, digits and -, such as eu-central-1",
    "mode": "GOVERNANCE or COMPLIANCE",
    "help": "a mapping of command, push, to, answer_seconds, timeout_seconds, language",
    "command": "a list of 1 to 16 words: the path of a program, and its arguments, with {to} in one of them",
    "to": "a list of 2 to 16 numbers, names, or push:PSEUDONYM, each once: who is called first, and who is called when nobody has answered",
    "push": "a mapping of key, contact, subscriptions, test, networks, ca",
    "key": "the file of the station's key for pushes, as `bodycamd station push-key` makes it",
    "contact": "how a push service reaches you: mailto:NAME@HOST or https://HOST",
    "subscriptions": "a folder with a file PSEUDONYM.json for each person: what JSON.stringify(subscription) gives in a browser",
    "test": "the pseudonym of who gets the daily test, such as T-01; without it no push is sent for a test",
    "networks": "a list of networks such as 10.2.0.0/16: where a push service of your own stands",
    "help.push.ca": "a file of certificates in PEM: the root of a push service of your own",
    "answer_seconds": "a whole number from 10 to 600",
    "timeout_seconds": "a whole number from 1 to 15",
    "language": "nl or en",
    "receivers": "a list of mappings of name, controller, keeps_days, and either folder or s3",
    "receivers.s3": "a mapping of bucket, endpoint, region, in place of folder",
    "receivers.bucket": "the name of a bucket of the receiver's, not the station's own",
    "receivers.name": "small letters, digits and -, such as meldkamer: as orders have it, each once",
    "receivers.station": "a mapping of name, key: of the receiver's own station, where it has one and a folder",
    "receivers.key": "64 hex digits: its public key, as `bodycamd station init` prints it",
    "forwarded_from": "a list of mappings of name, receiver, root, folder, keeps_days",
    "forwarded_from.name": "small letters, digits and -, such as dordrecht: each once",
    "forwarded_from.receiver": "what they call this station in their orders",
    "forwarded_from.root": "the file of their root, as `bodycamd fleet roster` writes it there",
    "forwarded_from.folder": "the path of the folder that they forward to",
    "controller": "who is responsible for what is forwarded, in 1 to 100 characters",
    "folder": "the path of a folder of the receiver's, such as a mounted disk",
    "same_disk": "true where a receiver's folder is meant to be on the station's own disk, else false",
    "keeps_days": "a whole number from 1 to 36500",
}


def load_station(path: Path) -> StationSettings:
    """The configuration at `path`. Raises `ConfigError` with the first mistake, and how many more there are."""
    settings, problems = judge_station(read(path))
    if settings is not None:
        return settings
    more = len(problems) - 1
    raise ConfigError(problems[0].text(shown(path, 4096)) + (f" ({more} more: bodycamd station check)" if more else ""))


def judge_station(raw: bytes) -> tuple[StationSettings | None, list[Problem]]:
    """The configuration in these bytes, or everything that is wrong with it."""
    document = read_document(raw)
    problems = [*document.problems]
    if document.values or not problems:
        found = judged(StationSettings, (), document.values, document, allowed_in(ALLOWED), nothing_beside)
        problems += islice(found, MAX_PROBLEMS)
    if not problems:
        settings = msgspec.convert(document.values, StationSettings)
        problems = list(_help_contradictions(settings.help)) if settings.help is not None else []
        if len({one.name for one in settings.receivers}) < len(settings.receivers):
            problems.append(Problem("receivers", "two of them have one name", ALLOWED["receivers.name"]))
        if len({one.name for one in settings.forwarded_from}) < len(settings.forwarded_from):
            problems.append(Problem("forwarded_from", "two of them have one name", ALLOWED["forwarded_from.name"]))
        problems += _receiver_places(settings)
        problems += _addresses(settings, document)
        if not problems:
            return settings, []
    return None, sorted(problems, key=in_order)


def placed(raw: bytes, problems: Sequence[Problem]) -> list[Problem]:
    """Each with the line of its key in the file's bytes, in their order."""
    lines = read_document(raw).lines
    found = [msgspec.structs.replace(one, line=lines.get(tuple(one.key.split(".")), one.line)) for one in problems]
    return sorted(found, key=in_order)


def _receiver_places(settings: StationSettings) -> Iterator[Problem]:
    """Each has one place, and it is not the station's own."""
    for one in settings.receivers:
        if (one.folder is None) == (one.s3 is None):
            yield Problem("receivers", f"{one.name} has neither a folder nor a bucket, or both", ALLOWED["receivers"])
        if one.same_disk and one.folder is None:
            yield Problem("receivers", f"{one.name} has no folder that could be on the station's own disk", ALLOWED["same_disk"])
        if one.station is not None and one.folder is None:
            yield Problem("receivers", f"{one.name} has a station, and no folder out of which it takes", ALLOWED["receivers.station"])
        if one.s3 is not None and settings.s3 is not None and one.s3.bucket == settings.s3.bucket:
            yield Problem("receivers", f"{one.name} has the station's own bucket", ALLOWED["receivers.bucket"])


def _addresses(settings: StationSettings, document: Document) -> Iterator[Problem]:
    """What looks like an address, and is none; figures are not for every network there is."""
    for key, where in (("listen", settings.listen), ("metrics", settings.metrics)):
        if where is None:
            continue
        try:
            wrong = key == "metrics" and ip_address(where.address).is_unspecified
        except ValueError:
            wrong = True
        if wrong:
            allowed = ALLOWED.get(f"{key}.address", ALLOWED["address"])
            yield Problem(
                f"{key}.address", f"not an address of this computer: {where.address}", allowed, document.lines.get((key, "address"))
            )


def _help_contradictions(help: HelpSettings) -> Iterator[Problem]:
    pushed = [to.removeprefix(PUSH) for to in help.to if to.startswith(PUSH)]
    if help.command is None and len(pushed) < len(help.to):
        yield Problem("help.command", "the key is missing, and not everybody is called by a push", ALLOWED["command"])
    if help.command is not None and len(pushed) == len(help.to):
        yield Problem("help.command", "nobody is called by it: everybody is by a push", ALLOWED["to"])
    if help.command is not None and not help.command[0].startswith("/"):
        yield Problem("help.command", "its first word is no path", ALLOWED["command"])
    if help.command is not None and not any("{to}" in word for word in help.command[1:]):
        yield Problem("help.command", "no word of it has {to}: everybody would be called by the same words", ALLOWED["command"])
    if help.push is None and pushed:
        yield Problem("help.push", "the key is missing, and somebody is called by a push", ALLOWED["push"])
    if help.push is not None and not pushed:
        yield Problem("help.push", "nobody is called by it: nobody in help.to begins with push:", ALLOWED["to"])
    if wrong := [name for name in pushed if not re.fullmatch(PSEUDONYM, name)]:
        yield Problem("help.to", f"no pseudonym of the roster: {wrong[0]}", ALLOWED["to"])
    for network in () if help.push is None else help.push.networks:
        try:
            ip_network(network)
        except ValueError:
            yield Problem("help.push.networks", f"no network: {network}", ALLOWED["networks"])
    if len(set(help.to)) < len(help.to):
        yield Problem(
            "help.to", "somebody is listed twice: where the first one does not answer, nobody else would be called", ALLOWED["to"]
        )
