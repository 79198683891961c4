"""The certificate and the month's numbers: what they say, in both languages, and what they refuse."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bodycamd.cli.main import main
from bodycamd.evidence.retention_entries import HoldAdded
from bodycamd.municipality.publish import certificate_page, transparency_page
from bodycamd.municipality.publish.certificate import certify
from bodycamd.municipality.publish.transparency import Month, days_in, month_of
from tests.kit.local_time import AMSTERDAM
from tests.kit.resting_camera import DAY, HOUR, WHO, RestingCamera, format_1
from tests.kit.scale import one_in, only_in_full


class Text(HTMLParser):
    """What a page shows."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())

    def __contains__(self, words: str) -> bool:
        return words in " ".join(self.words)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A store in which one recording was held, released and deleted, and another one is still held; the day is 20 March 2026. It was begun
    by software that took any text."""
    with format_1():
        camera = RestingCamera(tmp_path_factory.mktemp("kept")).switch_on()
        camera.settle()
        going, staying = camera.record(), camera.record()
        hold = HoldAdded(recording=going, ground="complaint", reference="K-<1>", by="desk & co", review_on="2026-12-31", caller=WHO)
        camera.store.ledger.note(hold)
        camera.store.close()
    camera.switch_on(same_boot=True)
    camera.hold(staying, "access-request")
    camera.switch_off()
    camera.switch_on(off_us=78 * DAY)
    camera.settle()
    camera.release(going)
    camera.run(HOUR)
    camera.switch_off()
    return camera.store_folder, going


def test_the_certificate_reads_well_in_both_languages(kept: tuple[Path, str]) -> None:
    store, name = kept
    made = certify(store, name, with_holds=True)
    dutch, english = Text(certificate_page.page(made, "nl", AMSTERDAM)), Text(certificate_page.page(made, "en", AMSTERDAM))
    for words in (
        "Verklaring van verwijdering (vernietiging)",
        "1 januari 2026 ",
        "20 maart 2026 ",
        "voor een klacht",
        "2 bestanden",
        "handhaver gestopt",
    ):
        assert words in dutch
    for words in ("Deletion certificate", "1 January 2026 ", "20 March 2026 ", "for a complaint", "2 files", "stopped by the officer"):
        assert words in english
    for page in (dutch, english):
        assert "K-<1>" in page
        assert "desk & co" in page
        assert "None" not in page
        assert "?" not in " ".join(page.words)


@only_in_full
def test_a_certificate_tells_of_holds_only_when_asked_and_verifies_either_way(kept: tuple[Path, str], tmp_path: Path) -> None:
    """It goes to citizens: case numbers and who decided stand in neither page, statements nor lines."""
    store, name = kept
    key = store.parent / "device.pem"
    for asked in ([], ["--with-holds"]):
        out, html = tmp_path / f"{len(asked)}.json", tmp_path / f"{len(asked)}.html"
        options = ["--store", str(store), "--out", str(out), "--html", str(html), *asked]
        assert main(["recordings", "certificate", name, *options]) == 0
        told = out.read_text() + html.read_text()
        for words in ("hold_added", "hold_released", "desk &", "Veiliggesteld"):
            assert (words in told) == bool(asked), words
        script = Path(__file__).parents[3] / "scripts" / "verify-certificate.sh"
        assert "VERIFIED" in subprocess.run([script, out, key], capture_output=True, text=True, check=True).stdout


def test_a_certificate_of_a_recording_that_was_cut_off(tmp_path: Path) -> None:
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    name = camera.record(close=False)
    camera.switch_off(clean=False)
    camera.switch_on(off_us=40 * DAY)
    camera.settle()
    camera.switch_off()
    assert "De opname eindigt: afgebroken." in Text(certificate_page.page(certify(camera.store_folder, name), "nl", AMSTERDAM))


def test_a_certificate_counts_what_was_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A segment that was taken from the card before its time is not certified as deleted."""
    camera = RestingCamera(tmp_path).switch_on()
    camera.settle()
    whole, robbed = camera.record(), camera.record(segments=3)
    (camera.store.recordings_folder / robbed / "000002.tar").unlink()
    camera.switch_off()
    camera.switch_on(off_us=40 * DAY)
    camera.settle()
    camera.switch_off()
    made = certify(camera.store_folder, robbed)
    assert (made.segments_recorded, made.segments_deleted) == (3, 2)
    assert "2 bestanden van de 3 die de camera opnam, " in Text(certificate_page.page(made, "nl", AMSTERDAM))
    assert "2 files of the 3 that the camera recorded, " in Text(certificate_page.page(made, "en", AMSTERDAM))
    for name, said in ((robbed, "; it recorded 3 segments and found 2 when it deleted them\n"), (whole, "certified\n")):
        out = str(tmp_path / f"{name}.json")
        assert main(["recordings", "certificate", name, "--store", str(camera.store_folder), "--out", out]) == 0
        assert capsys.readouterr().out.endswith(said)


def test_the_numbers_of_a_month_as_a_page(kept: tuple[Path, str]) -> None:
    store, _ = kept
    january, march = month_of(store, "2026-01", AMSTERDAM), month_of(store, "2026-03", AMSTERDAM)
    assert (january.since, january.until) == ("2026-01-01", "2026-01-31")
    assert (march.since, march.until) == ("2026-03-01", "2026-03-20")
    page = Text(transparency_page.page(january, "nl", AMSTERDAM))
    assert "Bodycam, januari 2026" in page
    assert "veiliggesteld aan het eind van de maand" in page
    assert "Het logboek gaat over" not in page
    page = Text(transparency_page.page(march, "en", AMSTERDAM))
    assert "The ledger covers 1 March 2026 to 20 March 2026." in page
    assert "held now" in page
    assert (sum(march.deletions.values()), march.holds_released, march.held_at_the_end) == (1, 1, 1)
    assert month_of(store, "2026-02", AMSTERDAM).recordings == 0, "a month in which the camera lay in a drawer"


@pytest.mark.parametrize(("month", "bars", "last"), [("2026-02", 4, "22 t/m 28"), ("2028-02", 5, "29"), ("2026-04", 5, "29 t/m 30")])
def test_the_plot_has_the_days_that_the_month_has(month: str, bars: int, last: str) -> None:
    empty = Month(month, "UTC", f"{month}-01", f"{month}-{days_in(month)}")
    page = Text(transparency_page.page(empty, "nl", AMSTERDAM))
    assert page.tags.count("rect") == bars
    assert last in page.words
    full = Month(month, "UTC", f"{month}-01", f"{month}-{days_in(month)}", recordings=3)
    full.minutes_by_days["1-7"] = 0.2
    assert "< 1 min" in Text(transparency_page.page(full, "nl", AMSTERDAM))


@only_in_full
@one_in(6)
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("recordings", "certificate", "nonsense"), 2, "is not the id of a recording"),
        (("recordings", "certificate", "000001-0077"), 66, "does not mention it"),
        (("recordings", "certificate", "000001-0002"), 66, "it is not deleted"),
        (("recordings", "certificate", "000001-0001", "--out", "{new}", "--html", "{taken}"), 73, "never overwritten"),
        (("recordings", "certificate", "000001-0001", "--out", "{new}", "--html", "{new}"), 2, "the same file"),
        (("recordings", "certificate", "000001-0001", "--out", "/nowhere/c.json"), 73, "No such file"),
        (("recordings", "certificate", "000001-0001", "--store", "/nowhere"), 66, "there is no ledger"),
        (("recordings", "log", "--since", "yesterday"), 2, "is not a date"),
        (("recordings", "log", "--recording", "nonsense"), 2, "is not the id of a recording"),
        (("recordings", "show", "000001-0077"), 66, "000001-0077"),
        (("recordings", "list", "--store", "/nowhere"), 66, "there is no"),
        (("recordings", "check", "--store", "/nowhere"), 66, "there is no"),
        (("transparency", "--month", "2026-13"), 2, "YYYY-MM"),
        (("transparency", "--month", "2025-12"), 66, "from 2026-01-01 to 2026-03-20"),
        (("transparency", "--month", "2026-04"), 66, "from 2026-01-01 to 2026-03-20"),
        (("transparency", "--month", "2026-01", "--store", "/nowhere"), 66, "there is no ledger"),
        (("transparency", "--month", "2026-01", "--out", "/nowhere"), 73, "no such folder"),
        (("transparency", "--month", "2026-01", "--out", "{folder}"), 73, "never overwritten"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_the_commands_refuse(
    kept: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, words: str
) -> None:
    """A clear line, its exit code, and nothing is written."""
    taken = tmp_path / "transparency-2026-01.html"
    taken.write_text("taken")
    given = [argument.format(new=tmp_path / "new", taken=taken, folder=tmp_path) for argument in arguments]
    if "--store" not in given:
        given += ["--store", str(kept[0])]
    assert main(given) == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert shown.err.count("\n") == 1
    assert shown.out == ""
    assert [path.name for path in tmp_path.iterdir()] == [taken.name]
    assert taken.read_text() == "taken"
