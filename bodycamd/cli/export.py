"""`bodycamd export`: a recording as a film, or as a package for a case, for the holder of the private key."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bodycamd.cli.asked import AtTheDesk
from bodycamd.cli.local_time import TimezoneOption, local_time
from bodycamd.cli.output import counted, duration, print_json, say, size
from bodycamd.cli.output_names import check_picture, is_film
from bodycamd.cli.passphrases import PassphraseFile, asking
from bodycamd.cli.people import PeopleOption, listed
from bodycamd.cli.place import ConfigOption, StoreOption, find_place
from bodycamd.cli.progress import progress_bar
from bodycamd.cli.recording_id import ALL, RecordingOrAllArgument
from bodycamd.cli.signals import Stopping
from bodycamd.cli.verification_options import key_and_anchor
from bodycamd.errors import BodycamError, NotFoundError, OutputError, StoppedError, UsageError
from bodycamd.evidence.retention_entries import Ground
from bodycamd.municipality.words.language import ReportLanguage

if TYPE_CHECKING:
    from bodycamd.evidence.keys import PublicKey
    from bodycamd.municipality.copies.person_keys import People
    from bodycamd.municipality.film.identities import Identities
    from bodycamd.municipality.report.report import Handover, Report, Verification
    from bodycamd.municipality.report.story import Story
    from bodycamd.municipality.verify.verdicts import StoreReport
    from bodycamd.municipality.words.times import LocalTime
    from bodycamd.store.reader import StoreReader

DAMAGED_CODE = 4
DAMAGE_CODES = {DAMAGED_CODE: "exported without what is altered or damaged, which is listed"}
"""What it ends with beside the codes of `bodycamd.errors`; the number is that of `verify`."""


def export(
    recording: RecordingOrAllArgument,
    identity: Annotated[
        Path,
        typer.Option(help="The age identity file with the private key; if it is sealed, its passphrase is asked for.", readable=False),
    ],
    out: Annotated[Path, typer.Option(help="FILE.mp4: the film only (parts FILE-2.mp4, …). Else a folder: films, report, SHA256SUMS.")],
    store: StoreOption = None,
    config: ConfigOption = None,
    device_key: Annotated[Path | None, typer.Option(help="The camera's registered key (device.pem): verify first.", readable=False)] = None,
    anchor: Annotated[Path | None, typer.Option(help="An anchor taken earlier: the ledger must extend it.", readable=False)] = None,
    people: PeopleOption = None,
    language: Annotated[ReportLanguage, typer.Option(help="The language of report, subtitles and chapters.")] = "both",
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Export although segments are missing; it is stated.")] = False,
    contact_sheet: Annotated[Path | None, typer.Option(help="With FILE.mp4: also make a PNG with pictures of its first part.")] = None,
    with_holds: Annotated[
        bool, typer.Option("--with-holds", help="The report also tells of holds: case numbers and pseudonyms; not for third parties.")
    ] = False,
    case: Annotated[str, typer.Option(help="For the report: the case, a number such as Z-2026/00123, never a name.")] = "",
    exported_by: Annotated[str, typer.Option(help="For the report: who exports, a pseudonym such as E-03 or a role, never a name.")] = "",
    purpose: Annotated[Ground | None, typer.Option(help="For the report: what the export is for.")] = None,
    timezone: TimezoneOption = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace films, or a package, that exist.")] = False,
    passphrase_file: PassphraseFile = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Decrypt a recording into MP4 films: packets copied, never re-encoded; the evidence itself stays as it is.

    A new part begins where the codec parameters change or more than a second of picture is missing. With --device-key the ledger and
    what is exported are verified first; a bad verdict does not stop the export; the report states it. What is damaged is left out and
    told: then the exit code is 4. What a copy keeps although the camera has deleted it, or holds, is told too.
    """
    film_only = is_film(out)
    if contact_sheet is not None:
        check_picture("--contact-sheet", contact_sheet)
    from bodycamd.municipality.film.identities import Identities
    from bodycamd.store.reader import StoreReader

    with Stopping() as stop:
        reader = StoreReader.open(find_place(store, config).store)
        if film_only and recording == ALL:
            raise UsageError("all recordings go into a folder: --out FOLDER, without .mp4")
        if film_only and (device_key is not None or anchor is not None):
            raise UsageError("a verification belongs in the report: --device-key and --anchor need --out FOLDER, without .mp4")
        if not film_only and contact_sheet is not None:
            raise UsageError("a package has its contact sheets: --contact-sheet goes with --out FILE.mp4")
        if film_only and with_holds:
            raise UsageError("holds belong in the report: --with-holds needs --out FOLDER, without .mp4")
        handover = _handover(case, exported_by, purpose)
        if film_only and handover is not None:
            raise UsageError("case, exporter and purpose belong in the report: they need --out FOLDER, without .mp4")
        if anchor is not None and device_key is None:
            raise UsageError("--anchor needs --device-key")
        local = local_time(timezone, config)
        known = listed(people)
        if recording != ALL:
            reader.segments(recording)  # it is there: nobody is asked for a passphrase in vain
        ask = asking(passphrase_file)
        identities = Identities.load(identity, AtTheDesk(stop, lambda what: ask(what, False)))
        if film_only:
            damaged = _film(reader, recording, identities, out, contact_sheet, incomplete, overwrite, known, json, stop)
        else:
            with stop.at_once():
                verified = _verified(reader.directory, recording, device_key, anchor, known)
            making = _Packages(
                reader, identities, verified, language, local, incomplete, overwrite, with_holds, handover, known, json, stop
            )
            damaged = making.all(out) if recording == ALL else making.one(recording, out)
    if damaged:
        raise typer.Exit(DAMAGED_CODE)


class _Packages:
    """The packages of one command."""

    def __init__(
        self,
        store: StoreReader,
        identities: Identities,
        verified: tuple[StoreReport, PublicKey] | None,
        language: ReportLanguage,
        local: LocalTime,
        incomplete: bool,
        overwrite: bool,
        with_holds: bool,
        handover: Handover | None,
        people: People,
        json: bool,
        stop: Stopping,
    ) -> None:
        self._people = people
        self._with_holds = with_holds
        self._handover = handover
        self._store = store
        self._identities = identities
        self._verified = verified
        self._registered = verified[1] if verified is not None else None
        self._language = language
        self._local = local
        self._incomplete = incomplete
        self._overwrite = overwrite
        self._json = json
        self._stop = stop

    def one(self, recording: str, out: Path) -> bool:
        """Make one package. Returns whether something was damaged. Raises `BodycamError`."""
        from bodycamd.municipality.report.case_folder import export_package

        with progress_bar(recording, quiet=self._json) as progress:
            report = export_package(
                self._store,
                recording,
                self._identities,
                out,
                verification=self._verification(recording),
                registered=self._registered,
                language=self._language,
                incomplete=self._incomplete,
                overwrite=self._overwrite,
                with_holds=self._with_holds,
                handover=self._handover,
                local=self._local,
                progress=progress,
                stop=self._stop,
            )
        _tell_standing(self._store, report.story, self._people)
        _tell_unconfined(report.unconfined)
        _tell_damage([(d.file, d.what, d.members) for d in report.footage.damage])
        if self._json:
            print_json(report)
        else:
            _tell(report, out)
        return bool(report.footage.damage)

    def all(self, out: Path) -> bool:
        """A package for each recording, in one folder, named after camera and recording. One that is there already and was made from the
        same is passed over, so that an interrupted export continues. Returns whether something was damaged.

        A recording that cannot be exported does not keep the others: the first error is raised at the end.
        """
        from bodycamd.municipality.film.source import check_same, source_of
        from bodycamd.municipality.report.story import read_story

        try:
            out.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{out}: cannot be created: {error.strerror}") from error
        failed: BodycamError | None = None
        damaged = False
        for recording in [info.id for info in self._store.recordings()]:
            self._stop()
            try:
                source = source_of(self._store, recording, read_story(self._store.ledger_folder, recording, self._registered))
                package = out / source.name
                if os.path.lexists(package) and not self._overwrite:
                    there_damaged = check_same(package, source)
                    damaged |= there_damaged
                    say(f"{package}: is there already{', with damage' if there_damaged else ''}; passed over", err=True)
                else:
                    damaged |= self.one(recording, package)
            except StoppedError:
                raise
            except NotFoundError as error:
                say(f"bodycamd: {error}; passed over", err=True)
            except BodycamError as error:
                if isinstance(error, OutputError) and not os.path.lexists(package):
                    raise
                say(f"bodycamd: {error}", err=True)
                failed = failed or error
        if failed is not None:
            raise type(failed)("not every recording was exported; the first that was not: " + str(failed))
        return damaged

    def _verification(self, recording: str) -> Verification | None:
        from bodycamd.municipality.report.report import verification_of

        if self._verified is None:
            return None
        return verification_of(self._verified[0], recording, self._verified[1].id)


def _handover(case: str, exported_by: str, purpose: Ground | None) -> Handover | None:
    """What the report says of the export; `None` where nothing is said. Raises `UsageError` for what may be a name."""
    from bodycamd.evidence import pseudonyms
    from bodycamd.municipality.report.report import Handover

    if not (case or exported_by or purpose):
        return None
    return Handover(
        case=pseudonyms.reference(case, "--case") if case else "",
        exported_by=pseudonyms.decider(exported_by, "--exported-by") if exported_by else "",
        purpose=purpose or "",
    )


def _film(
    store: StoreReader,
    recording: str,
    identities: Identities,
    out: Path,
    contact_sheet: Path | None,
    incomplete: bool,
    overwrite: bool,
    people: People,
    json: bool,
    stop: Stopping,
) -> bool:
    from bodycamd.municipality.film.film import export as make
    from bodycamd.municipality.report.case_folder import check_complete, stated_of
    from bodycamd.municipality.report.story import read_story
    from bodycamd.municipality.verify.statement_keys import StatementKeys
    from bodycamd.store.names import recording_start

    files = store.segments(recording)
    story = read_story(store.ledger_folder, recording)
    if not incomplete:
        check_complete(files, story)
    with progress_bar(recording, quiet=json) as progress:
        done = make(
            recording,
            [file.path for file in files],
            identities,
            out,
            overwrite=overwrite,
            keys=StatementKeys.read(store.ledger_folder, recording_start(recording) or 0),
            stated=stated_of(story),
            contact_sheet=contact_sheet,
            progress=progress,
            stop=stop,
        )
    _tell_standing(store, story, people)
    _tell_unconfined(done.unconfined)
    _tell_damage([(d.file, d.what, d.members) for d in done.damage])
    if json:
        print_json(done)
        return bool(done.damage)
    for part in done.parts:
        say(f"{part.path}: {duration(part.duration_seconds)}, {counted(part.frames, 'frame')}, {size(part.size_bytes)}")
    for segment in done.unsealed:
        say(f"{segment.file}: {_cut_off(segment.fragments, segment.torn_bytes)}", err=True)
    return bool(done.damage)


def _tell_standing(store: StoreReader, story: Story, people: People) -> None:
    from bodycamd.municipality.copies.copies import standing

    if known := standing(store.directory, story.recording, story.deleting, people, for_room=story.for_room):
        say(f"{story.recording}: {known}", err=True)


def _tell_unconfined(weaknesses: Sequence[str]) -> None:
    for weakness in weaknesses:
        say(f"the process that parses the footage is not confined as it should be: {weakness}", err=True)


def _tell_damage(damage: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    for file, what, members in damage:
        left_out = f"; left out: {', '.join(members)}" if members else ""
        say(f"DAMAGED: {what if what.startswith(file) else f'{file}: {what}'}{left_out}", err=True)


def _cut_off(fragments: int, torn_bytes: int) -> str:
    return f"cut off; {counted(fragments, 'fragment')} exported, {counted(torn_bytes, 'torn byte')} left out"


def _tell(report: Report, out: Path) -> None:
    from bodycamd.municipality.verify.verdicts import WORDS

    for part in report.films:
        say(f"{out / part.file}: {duration(part.duration_seconds)}, {counted(part.frames, 'frame')}, {size(part.bytes)}")
    verdict = WORDS[report.verdict] if report.verdict is not None else "not verified: no --device-key"
    say(f"{out / 'report.html'}: {verdict}")
    if report.footage.gap_us:
        say(f"gaps: {report.footage.gap_us / 1e6:.3f} s in all, see the report", err=True)
    for segment in report.footage.segments:
        if segment.kind != "sealed":
            say(f"{segment.file}: {_cut_off(segment.fragments, segment.torn_bytes)}", err=True)
    for missing in report.missing:
        say(f"missing: {missing}", err=True)


def _verified(
    store: Path, recording: str, device_key: Path | None, anchor: Path | None, people: People
) -> tuple[StoreReport, PublicKey] | None:
    if device_key is None:
        return None
    from bodycamd.municipality.verify.verify import verify

    registered, taken = key_and_anchor(device_key, anchor)
    return verify(store, registered, taken, only=None if recording == ALL else recording, people=people), registered
