"""A speaker that is absent, crashes, hangs or lies: the warning fails in bounded time, nobody waits, the next warning has its chance."""

from __future__ import annotations

import os
import queue
import random
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest
from msgspec.structs import replace

from bodycamd.camera.board.voice.supervisor import VoiceProcess, VoiceTiming
from bodycamd.config.settings import SpeakerSettings
from bodycamd.errors import ConfigError
from bodycamd.linux.child import LinkedChild
from bodycamd.linux.clock import SystemClock, boottime_us
from tests.camera.board.conftest import Heard, MakeVoice, tone_wav
from tests.kit.scale import count, only_in_full
from tests.kit.waiting import wait_for

pytestmark = pytest.mark.timing

QUICK = VoiceTiming(retry_seconds=(0.0, 0.1, 0.1))


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    return tone_wav(tmp_path / "tone.wav", 1.0)


def pid_of(voice: VoiceProcess) -> int:
    pid = voice.status().pid
    assert pid is not None
    return pid


def exists(pid: int) -> bool:
    """Whether the process is there and not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def seconds_until_failed(voice: VoiceProcess, heard: Heard, number: int = 1) -> float:
    asked_us = boottime_us()
    voice.speak()
    at_us, ended = heard.ending(number)
    assert ended.outcome == "failed"
    assert ended.detail
    return (at_us - asked_us) / 1e6


def test_a_named_device_that_is_absent(alsa_file: Path, tone: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, device="USB Audio")
    assert "speaker.device 'USB Audio': there is no sound card 'USB Audio'; for playback there is: nothing" in heard.unhealthy().detail
    assert seconds_until_failed(voice, heard) < 0.5
    assert "for playback there is: nothing" in heard.endings[0][1].detail
    assert heard.endings[0][1].file_sha256, "the file could be read"


def test_no_sound_device_at_all(
    tone: Path, alsa_config: Callable[[str], None], make_voice: MakeVoice, capfd: pytest.CaptureFixture[str]
) -> None:
    alsa_config("pcm.!default { type hw card 9 }\n")
    voice, heard = make_voice(tone)
    heard.unhealthy()
    assert seconds_until_failed(voice, heard) < 0.5
    voice.close()
    assert capfd.readouterr() == ("", ""), "what the sound libraries print does not reach the journal by itself"


def test_it_works_as_soon_as_the_device_is_there(
    alsa_config: Callable[[str], None], tmp_path: Path, tone: Path, make_voice: MakeVoice
) -> None:
    alsa_config("pcm.!default { type hw card 9 }\n")
    voice, heard = make_voice(tone, timing=QUICK)
    heard.unhealthy()
    alsa_config(f'pcm.!default {{ type file slave.pcm {{ type null }} file "{tmp_path}/device.raw" format "raw" }}\n')
    heard.healthy()
    voice.speak()
    assert heard.ending(1)[1].outcome == "played_to_device"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not a wav" * 100, None])
def test_a_warning_that_cannot_be_read(content: bytes | None, tmp_path: Path, make_voice: MakeVoice) -> None:
    wav = tmp_path / "warning.wav"
    if content is not None:
        wav.write_bytes(content)
    voice, heard = make_voice(wav, output="simulated")
    assert str(wav) in heard.unhealthy().detail
    assert seconds_until_failed(voice, heard) < 0.5
    assert bool(heard.endings[0][1].file_sha256) is (content is not None)


def test_spoken_to_before_it_is_prepared(tone: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    assert seconds_until_failed(voice, heard) < 0.5
    heard.healthy()


def test_killed_while_it_speaks(tone: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    voice.speak()
    wait_for((tmp_path / "speaker-0001.wav").exists, 2)
    killed_us = boottime_us()
    os.kill(pid_of(voice), signal.SIGKILL)
    at_us, ended = heard.ending(1)
    assert ended.outcome == "failed"
    assert "by signal SIGKILL" in ended.detail
    assert at_us - killed_us < 500_000
    heard.healthy()
    voice.speak()
    assert heard.ending(2)[1].outcome == "played_to_device"


@pytest.mark.parametrize("when", ["before", "during"])
def test_stopped_for_ever(when: str, tone: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    pid = pid_of(voice)
    asked_us = boottime_us()
    if when == "during":
        voice.speak()
        wait_for((tmp_path / "speaker-0001.wav").exists, 2)
    os.kill(pid, signal.SIGSTOP)
    if when == "before":
        voice.speak()
    at_us, ended = heard.ending(1)
    assert ended.outcome == "failed"
    assert at_us - asked_us < 2_200_000, "the WAV's length plus a second, and something for a busy machine"
    wait_for(lambda: not exists(pid), 2, "the end of the stopped process")
    heard.healthy()


@only_in_full
def test_a_device_that_never_opens(tone: Path, tmp_path: Path, alsa_config: Callable[[str], None], make_voice: MakeVoice) -> None:
    """Opening a FIFO that nobody reads blocks inside ALSA, already while the voice is prepared."""
    os.mkfifo(tmp_path / "fifo")
    alsa_config(f'pcm.!default {{ type file slave.pcm {{ type null }} file "{tmp_path}/fifo" format "raw" }}\n')
    voice, heard = make_voice(tone, timing=replace(QUICK, prepare_seconds=1.0))
    assert seconds_until_failed(voice, heard) < 0.5
    assert "not prepared within 1 s" in heard.unhealthy(4).detail
    assert seconds_until_failed(voice, heard, 2) < 0.5
    wait_for(lambda: voice.status().starts >= 2, 4, "a second try")


@only_in_full
def test_a_device_that_takes_no_more_samples(tone: Path, tmp_path: Path, alsa_config: Callable[[str], None], make_voice: MakeVoice) -> None:
    """The FIFO has a reader that never reads: it takes 64 KiB, then every write blocks for ever."""
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        alsa_config(f'pcm.!default {{ type file slave.pcm {{ type null }} file "{tmp_path}/fifo" format "raw" }}\n')
        voice, heard = make_voice(tone)
        heard.healthy()
        assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)
        assert 1.0 < seconds_until_failed(voice, heard) < 2.2
        assert "did not play to the end" in heard.endings[0][1].detail
        heard.healthy()
    finally:
        os.close(reader)


def test_speak_and_silence_never_wait(tone: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    os.kill(pid_of(voice), signal.SIGSTOP)
    times = []
    for call in [voice.speak, voice.silence] * 150:
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    times.sort()
    median, p99, worst = (times[rank] * 1e6 for rank in (150, 296, 299))
    print(f"\n300 calls to a stopped voice, µs: median {median:.0f}, p99 {p99:.0f}, worst {worst:.0f}")
    assert times[296] < 0.025, "five times the bound of 5 ms"
    wait_for(lambda: len(heard.endings) == 150, 5, "an end for every speak")


@only_in_full
def test_a_voice_that_cannot_even_be_killed(tone: Path, make_voice: MakeVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a driver call that cannot be interrupted SIGKILL has to wait: no second process is started beside it."""
    voice, heard = make_voice(tone, output="simulated", timing=QUICK)
    heard.healthy()
    pid, asked = pid_of(voice), list[int]()
    os.kill(pid, signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(LinkedChild, "kill", lambda self: asked.append(self.pid))
        assert seconds_until_failed(voice, heard) < 1.5
        assert seconds_until_failed(voice, heard, 2) < 0.5
        assert asked == [pid], "it was told to end, and did not"
        assert voice.status().starts == 1
        assert exists(pid)
    os.kill(pid, signal.SIGKILL)
    heard.healthy()
    assert voice.status().starts == 2


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        ("sys.exit(3)", "with exit code 3"),
        ("link.send(b'garbage'); time.sleep(60)", "not a message"),
        ('link.send(b\'{"type":"ended","play":-1,"at_us":0}\'); time.sleep(60)', "not a message"),
        ("link.send(b'x' * 20000); time.sleep(60)", "a packet of more than"),
        ("print('the driver is upset', flush=True); link.close(); time.sleep(60)", "hangs in its end"),
    ],
)
def test_a_voice_that_misbehaves(
    behaviour: str, told: str, tone: Path, tmp_path: Path, make_voice: MakeVoice, caplog: pytest.LogCaptureFixture
) -> None:
    script = tmp_path / "voice"
    text = f"""\
        #!{sys.executable}
        import socket, sys, time
        link = socket.socket(fileno=int(sys.argv[sys.argv.index("--link") + 1]))
        {behaviour}
        """
    script.write_text(textwrap.dedent(text), encoding="utf-8")
    script.chmod(0o755)
    voice, heard = make_voice(tone, python=str(script))
    assert told in heard.unhealthy().detail
    assert seconds_until_failed(voice, heard) < 0.5
    assert voice.status().starts <= 4, "tried again at growing intervals only"
    assert ("the driver is upset" in caplog.text) is ("upset" in behaviour), "what it printed stands in the log"


def test_a_voice_that_cannot_be_started(tone: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, python="/nonexistent/python")
    assert "cannot be started" in heard.unhealthy().detail
    assert seconds_until_failed(voice, heard) < 0.5


@only_in_full
def test_signals_for_the_whole_group_do_not_end_it(tone: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    pid = pid_of(voice)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    voice.speak()
    assert heard.ending(1)[1].outcome == "played_to_device"
    assert pid_of(voice) == pid


def test_it_dies_with_the_recorder(tone: Path, tmp_path: Path) -> None:
    script = f"""
        import time
        from pathlib import Path
        from bodycamd.linux.clock import SystemClock
        from bodycamd.camera.board.voice.supervisor import VoiceProcess
        from bodycamd.config.settings import SpeakerSettings
        def post(event):
            print(voice.status().pid, flush=True)
        settings, folder = SpeakerSettings(output="simulated"), Path({str(tmp_path)!r})
        voice = VoiceProcess(settings, folder / "tone.wav", post, SystemClock(), directory=folder)
        voice.start()
        time.sleep(60)
        """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True) as recorder:
        assert recorder.stdout is not None
        pid = int(recorder.stdout.readline())
        os.kill(pid, signal.SIGSTOP)
        assert exists(pid)
        recorder.kill()
    wait_for(lambda: not exists(pid), 2, "the voice's end")


def test_close_ends_everything(tone: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    pid = pid_of(voice)
    voice.speak()
    wait_for((tmp_path / "speaker-0001.wav").exists, 2)
    voice.close()
    assert heard.ending(1)[1].outcome == "skipped"
    assert not exists(pid)
    voice.close()


def test_the_thread_may_have_ended_before_it_is_woken_to_end(tone: Path, make_voice: MakeVoice, monkeypatch: pytest.MonkeyPatch) -> None:
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()

    class Hasty(queue.SimpleQueue[Literal["speak", "silence", "close"]]):
        def put(self, item: Literal["speak", "silence", "close"], block: bool = True, timeout: float | None = None) -> None:
            super().put(item, block, timeout)
            os.eventfd_write(voice._wake, 1)
            voice._thread.join(5)

    monkeypatch.setattr(voice, "_commands", Hasty())
    voice.close()
    assert voice.status().detail == "closed"
    voice.close()


@only_in_full
def test_asked_for_again(tone: Path, tmp_path: Path, make_voice: MakeVoice) -> None:
    """A speak during a speak begins anew; each one has its end."""
    voice, heard = make_voice(tone, output="simulated")
    heard.healthy()
    for _ in range(3):
        voice.speak()
    voice.silence()
    voice.speak()
    assert heard.ending(4)[1].outcome == "played_to_device"
    assert [ended.outcome for _, ended in heard.endings[:3]] == ["skipped"] * 3


@pytest.mark.parametrize("seed", range(count(20)))
def test_every_speak_has_exactly_one_end(seed: int, tmp_path: Path, make_voice: MakeVoice) -> None:
    """Random orders of speaking, silencing, stopping, continuing and killing."""
    chance = random.Random(seed)
    timing = VoiceTiming(start_seconds=0.3, end_margin_seconds=0.3, retry_seconds=(0.0, 0.02, 0.05))
    voice, heard = make_voice(tone_wav(tmp_path / "short.wav", 0.5), output="simulated", timing=timing)
    heard.healthy()
    spoken = 0
    for _ in range(60):
        what = chance.choices(["speak", "silence", "stop", "go", "kill", "wait"], [6, 3, 1, 2, 1, 4])[0]
        pid = voice.status().pid
        if what == "speak":
            voice.speak()
            spoken += 1
        elif what == "silence":
            voice.silence()
        elif what == "wait":
            time.sleep(chance.random() * 0.08)
        elif pid is not None and exists(pid):
            number = {"stop": signal.SIGSTOP, "go": signal.SIGCONT, "kill": signal.SIGKILL}[what]
            with suppress(ProcessLookupError):  # it may have ended since
                os.kill(pid, number)
    wait_for(lambda: len(heard.endings) >= spoken, 3, "an end for every speak")
    voice.close()
    assert len(heard.endings) == spoken


def test_wrong_use_is_told(tone: Path) -> None:
    with pytest.raises(ConfigError, match="simulation_directory"):
        VoiceProcess(SpeakerSettings(output="simulated"), tone, Heard().post, SystemClock())
    voice = VoiceProcess(SpeakerSettings(), tone, Heard().post, SystemClock())
    with pytest.raises(RuntimeError, match="before start"):
        voice.speak()
    voice.close()
