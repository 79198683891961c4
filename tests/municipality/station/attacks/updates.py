"""Software that somebody wants on a camera without both words: a release key's, and a technician's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from bodycamd.camera.installation.decision import Camera
from bodycamd.camera.updating import order_check
from bodycamd.camera.updating.fetched import taken
from bodycamd.camera.uplink.station_link import Reply
from bodycamd.errors import BodycamError, UsageError
from bodycamd.evidence import orders
from tests.camera.updating.updated_camera import UpdatedCamera
from tests.camera.uplink.bundle_bench import BIG, Bench, honest
from tests.evidence.ordering import IN_FORCE, ordered
from tests.evidence.rostering import key
from tests.kit.bundles import Release
from tests.municipality.station.attacks.attack import STATION_KEY, Carried, attack
from tests.municipality.station.attacks.ground import Ground
from tests.municipality.station.attacks.ordered import PERSON, RECORDER

GROUP = "Updates by order"
ROOT = "root's updater"
RELEASE_KEY = "a release key"
UPLINK = "the camera's uplink"
UPLINK_PROCESS = "the uplink's process"
CAMERA_KEY = "a camera's uplink key"
ON_THE_CAMERA = "the folder where bundles are brought"
THE_RECORDER = "the recorder's process"


def on_a_camera(carried: Callable[[UpdatedCamera], str]) -> Carried:
    """On a camera with 0.2.0: it stays, whole, and a good order with its bundle still counts."""

    def run(_: Ground) -> str:
        with tempfile.TemporaryDirectory(prefix="bodycamd-updates-") as made:
            camera = UpdatedCamera(Path(made))
            camera.switch_on()
            outcome = carried(camera)
            assert camera.versions.named("current") == "0.2.0"
            camera.machine.cameras.clear()
            good = camera.to_update("0.5.0", nonce=99)
            camera.deliver(good)
            camera.update(camera.publisher.bundle("0.5.0"))
            assert camera.outcomes(good) == ["updated"]
            camera.verified_types()
            camera.close()
            return outcome

    return run


def refused(camera: UpdatedCamera, bundle: Path) -> str:
    """The exit code of the updater."""
    try:
        camera.update(bundle)
    except BodycamError as error:
        return str(error.exit_code)
    return "installed"


@attack(GROUP, "install other software by an order alone", holds=PERSON, by=RECORDER, outcome="it waits")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order = camera.to_update()
    told = camera.deliver(order)
    camera.sweep()
    assert (told.done, camera.outcomes(order)) == (False, [])
    return "it waits"


@attack(GROUP, "install what nobody ordered", holds=RELEASE_KEY, by=ROOT, outcome="66")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    camera.deliver(camera.to_update("0.4.0"))
    return refused(camera, camera.publisher.bundle("0.3.0"))


@attack(GROUP, "bring the ordered software, signed by another key", holds=ON_THE_CAMERA, by=ROOT, outcome="77")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    camera.deliver(camera.to_update())
    (camera.root / "other").mkdir()
    return refused(camera, Release(camera.root / "other").bundle("0.3.0"))


@attack(GROUP, "bring the ordered software, and swap it once it was looked at", holds=ON_THE_CAMERA, by=ROOT, outcome="69")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    camera.deliver(camera.to_update())
    path, newer, waiting = camera.publisher.bundle("0.3.0"), camera.publisher.bundle("0.4.0").read_bytes(), camera.waiting

    def swapped() -> object:
        path.write_bytes(newer)
        return waiting()

    camera.waiting = swapped  # type: ignore[assignment,method-assign]
    code = refused(camera, path)
    camera.waiting = waiting  # type: ignore[method-assign]
    return code


@attack(GROUP, "order an older version", holds=PERSON, by=ROOT, outcome="77, and not_installed in the ledger")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order = camera.to_update("0.1.0")
    camera.deliver(order)
    code = refused(camera, camera.publisher.bundle("0.1.0"))
    return f"{code}, and {camera.outcomes(order)[0]} in the ledger"


@attack(GROUP, "order an update while it records", holds=PERSON, by=ROOT, outcome="75, and it waits")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order = camera.to_update()
    camera.deliver(order)
    camera.machine.cameras.append(Camera("recording", True))
    code = refused(camera, camera.publisher.bundle("0.3.0"))
    assert (camera.outcomes(order), camera.machine.heard) == ([], [])
    return f"{code}, and it waits"


@attack(GROUP, "hand root an order that nobody signed", holds=THE_RECORDER, by=ROOT, outcome="refused")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    good, bundle = camera.to_update().order, camera.name_of("0.3.0")
    for order in (orders.sign(good, [key("nobody")]), ordered(replace(good, person="E-01"))):
        try:
            order_check.ordered([order.document.file_bytes], IN_FORCE, camera.name, bundle, camera.clock.wall_us)
        except BodycamError:
            continue
        return "taken"
    return "refused"


@attack(GROUP, "hand root a roster of one's own", holds=THE_RECORDER, by=ROOT, outcome="refused")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    own = IN_FORCE.document
    try:
        order_check.in_force(replace(own, json=own.json.replace(b"HV-01", b"HV-02")).file_bytes, IN_FORCE.roster.root)
    except BodycamError:
        return "refused"
    return "taken"


@attack(GROUP, "tell the recorder that it runs what it does not", holds="root's word", by=RECORDER, outcome="refused")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order = camera.to_update()
    camera.deliver(order)
    try:
        camera.told(order.id, "updated")
    except UsageError:
        assert camera.outcomes(order) == []
        return "refused"
    return "stated"


# --- bundles that cameras fetch -----------------------------------------------------------------------------------------------------------


def fetched(answer: Callable[[bytes, int, int], Reply], signed_by: str = "") -> Carried:
    """What an uplink says of a station that answers so; nothing is kept of it, and what is true is fetched afterwards."""

    def run(ground: Ground) -> str:
        folder = ground.folder("bundles")
        for name in ("state", "release", "other"):
            (folder / name).mkdir()
        bench = Bench(folder / "state", Release(folder / "release"))
        named = bench.lay_in()
        good = bench.there[named]
        if signed_by:
            bench.there[named] = Release(folder / signed_by).bundle("0.3.0", BIG).read_bytes()
        bench.answer = answer
        fetching = bench.process()
        told = bench.looked(fetching)
        assert bench.files == {}
        bench.there[named], bench.answer = good, None
        bench.later(fetching, 4000)
        assert bench.files == {f"{named}.bundle": good}
        return next(words for words in ("is not what the manifest states", "were asked for", "no release key") if words in told)

    return run


def altered(content: bytes, offset: int, most: int) -> Reply:
    wrong = bytearray(content)
    wrong[700_000] ^= 1
    return Reply(200, {}, bytes(wrong[offset : offset + most]))


def longer(content: bytes, offset: int, most: int) -> Reply:
    return Reply(200, {}, content[offset : offset + most] + b"x")


STATES = "is not what the manifest states"
attack(GROUP, "send other bytes in place of the ordered bundle", holds=STATION_KEY, by=UPLINK, outcome=STATES)(fetched(altered))
attack(GROUP, "send a camera more than the bundle has", holds=STATION_KEY, by=UPLINK, outcome="were asked for")(fetched(longer))
attack(GROUP, "send the ordered bundle signed by a key of one's own", holds=STATION_KEY, by=UPLINK, outcome="no release key")(
    fetched(honest, "other")
)


def taken_from(camera: UpdatedCamera, lay: Callable[[Path], object], *orders_: bytes) -> str:
    """The exit code of root, who takes what an uplink has laid down under the ordered name."""
    spool = camera.root / "uplink" / "bundles"
    spool.mkdir(parents=True)
    lay(spool)
    names = order_check.bundles(orders_, IN_FORCE, camera.name, camera.clock.wall_us)
    try:
        with taken(names, camera.root, spool, camera.root / "copies") as copy:
            return refused(camera, copy)
    except BodycamError as error:
        return str(error.exit_code)
    finally:
        assert not (camera.root / "copies").exists() or list((camera.root / "copies").iterdir()) == []


@attack(GROUP, "lay a link where root looks for what was fetched", holds=UPLINK_PROCESS, by=ROOT, outcome="65")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order, precious = camera.to_update(), camera.publisher.bundle("0.3.0")
    camera.deliver(order)
    name = camera.name_of("0.3.0")
    return taken_from(camera, lambda spool: (spool / f"{name}.bundle").symlink_to(precious), order.document.file_bytes)


@attack(GROUP, "have root install what was fetched, and nobody ordered", holds=UPLINK_PROCESS, by=ROOT, outcome="66")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    raw, name = camera.publisher.bundle("0.3.0").read_bytes(), camera.name_of("0.3.0")
    return taken_from(camera, lambda spool: (spool / f"{name}.bundle").write_bytes(raw))


@attack(GROUP, "lay another release under the ordered bundle's name", holds=UPLINK_PROCESS, by=ROOT, outcome="66")
@on_a_camera
def _(camera: UpdatedCamera) -> str:
    order, raw = camera.to_update(), camera.publisher.bundle("0.4.0").read_bytes()
    camera.deliver(order)
    name = camera.name_of("0.3.0")
    return taken_from(camera, lambda spool: (spool / f"{name}.bundle").write_bytes(raw), order.document.file_bytes)


@attack(GROUP, "fetch what is beside the bundles at the station", holds=CAMERA_KEY, by="the station", outcome="404")
def _(ground: Ground) -> str:
    places = ("..%2fin-force.roster", "..%2f..%2fnonce-secret", "%2e%2e", "ab" * 33)
    found = {ground.scene.link.ask("GET", f"bundles/{place}").status_code for place in places}
    return ", ".join(str(status) for status in sorted(found))
