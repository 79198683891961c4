"""AAC's rates compared: processor time, and how much of speech in a street can be understood afterwards.

    .venv/bin/pip install '.[intelligibility]' && .venv/bin/python -m tests.bench.sound_rates

The speech is the shipped Dutch and English warnings (synthetic voices), the street is noise of ours: the slope of traffic, swelling and
passing as cars do. The measure is STOI (Taal et al. 2011, by pystoi), 0 to 1, of what the film would give against the clean speech; STOI
hears up to 5 kHz, so it says nothing of timbre. Processor time is the encoder's and the resampler's, by this process's own clock. The
figures go to docs/measured.json, the table is printed.
"""

from __future__ import annotations

import io
import time
import wave
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from pystoi import stoi

from bodycamd.camera.capture.worker.muxer import AAC_CUTOFF_HZ, AAC_OPTIONS
from tests.kit.measured import keep, provenance

ROOT = Path(__file__).parents[2]
RATE = 48_000
CHOICES = (
    (48_000, 96_000, AAC_CUTOFF_HZ), (48_000, 96_000, None), (48_000, 96_000, 14_000), (48_000, 128_000, AAC_CUTOFF_HZ),
    (48_000, 64_000, AAC_CUTOFF_HZ), (48_000, 48_000, AAC_CUTOFF_HZ), (48_000, 32_000, AAC_CUTOFF_HZ),
    (24_000, 48_000, None), (24_000, 32_000, None), (16_000, 32_000, None),
)  # fmt: skip
"""Samples and bits per second, and up to how many hertz (`None`: the coder decides); the first is the default."""
LEVELS_DB = (15, 5, -5)
"""The speech over the street."""
REPEATS = 8
BLOCK = 2048


def speech(language: str) -> np.ndarray:
    with wave.open(str(ROOT / f"config/warnings/{language}.wav")) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def street(samples: int, seed: int = 5) -> np.ndarray:
    """Noise that falls by 6 dB an octave from 100 Hz on, and swells every few seconds."""
    chance = np.random.default_rng(seed)
    spectrum = np.fft.rfft(chance.standard_normal(samples))
    hertz = np.fft.rfftfreq(samples, 1 / RATE)
    noise = np.fft.irfft(spectrum / np.maximum(hertz, 100) * (hertz > 30), samples)
    seconds = np.arange(samples) / RATE
    noise = noise * (1 + 0.6 * np.sin(2 * np.pi * seconds / 3.1) + 0.3 * np.sin(2 * np.pi * seconds / 1.3))
    return np.asarray(noise / np.sqrt((noise**2).mean()))


def encoded(pcm: bytes, rate: int, bit_rate: int, cutoff_hz: int | None) -> tuple[bytes, float]:
    """A film's sound, and the processor seconds that it took; blocks of 48 kHz come in as they do in the worker."""
    made = io.BytesIO()
    options = {**AAC_OPTIONS, "cutoff": str(cutoff_hz or 0)}
    begun = time.process_time()
    with av.open(made, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=rate, layout="mono", options=options)
        stream.bit_rate = bit_rate
        resampler = AudioResampler(format="fltp", layout="mono", rate=rate) if rate != RATE else None
        for at in range(0, len(pcm), BLOCK * 2):
            block = pcm[at : at + BLOCK * 2]
            frame = av.AudioFrame(format="s16", layout="mono", samples=len(block) // 2)
            frame.sample_rate, frame.pts = RATE, at // 2
            memoryview(frame.planes[0])[: len(block)] = block
            for part in [frame] if resampler is None else resampler.resample(frame):
                output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return made.getvalue(), time.process_time() - begun


def decoded(film: bytes) -> np.ndarray:
    """At 48 kHz again."""
    back = AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(io.BytesIO(film), "r") as source:
        parts = [part.to_ndarray()[0] for frame in source.decode(audio=0) for part in back.resample(frame)]
    return np.concatenate(parts).astype(float)


def intelligibility(clean: np.ndarray, heard: np.ndarray) -> float:
    """STOI, once the coder's delay is taken off."""
    size = 1 << (len(clean) + len(heard)).bit_length()
    lag = int(np.argmax(np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clean, size)), size)[: RATE // 4]))
    heard = heard[lag:][: len(clean)]
    return float(stoi(clean[: len(heard)], heard, RATE))


def measure() -> list[dict[str, float]]:
    """A row per choice: samples and bits per second, processor ms per second of sound, STOI at each level; the first row is no coder."""
    rows: dict[tuple[int, int, int | None], dict[str, list[float]]] = {}
    for language in ("nl", "en"):
        clean = speech(language)
        loudness = np.sqrt((clean**2).mean())
        for level_db in LEVELS_DB:
            mixed = clean + street(len(clean)) * loudness / 10 ** (level_db / 20)
            mixed = mixed * min(1.0, 30_000 / np.abs(mixed).max())
            pcm = mixed.round().astype("<i2").tobytes()
            rows.setdefault((0, 0, None), {}).setdefault(f"stoi_{level_db}_db", []).append(intelligibility(clean, mixed))
            for rate, bit_rate, cutoff_hz in CHOICES:
                row = rows.setdefault((rate, bit_rate, cutoff_hz), {})
                times = []
                for _ in range(REPEATS):
                    film, seconds = encoded(pcm, rate, bit_rate, cutoff_hz)
                    times.append(seconds * 1000 / (len(clean) / RATE))
                row.setdefault("cpu_ms_per_second", []).append(min(times))
                row.setdefault(f"stoi_{level_db}_db", []).append(intelligibility(clean, decoded(film)))
    return [
        {
            "rate": rate,
            "bit_rate": bit_rate,
            "cutoff_hz": cutoff_hz or 0,
            **{name: round(float(np.mean(found)), 3) for name, found in row.items()},
        }
        for (rate, bit_rate, cutoff_hz), row in rows.items()
    ]


def table(rows: list[dict[str, float]]) -> str:
    """In Markdown, as on the page."""
    lines = [
        "| samples/s | bits/s | up to, Hz | processor, ms per second | "
        + " | ".join(f"STOI at {level:+d} dB" for level in LEVELS_DB)
        + " |",
        "|---" * (4 + len(LEVELS_DB)) + "|",
    ]
    for row in rows:
        up_to = f"{row['cutoff_hz']:,.0f}" if row["cutoff_hz"] else "the coder's choice"
        what = (
            f"{row['rate']:,.0f} | {row['bit_rate']:,.0f} | {up_to} | {row['cpu_ms_per_second']:.1f}"
            if row["rate"]
            else "no coder | - | - | -"
        )
        lines.append(f"| {what} | " + " | ".join(f"{row[f'stoi_{level}_db']:.3f}" for level in LEVELS_DB) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, keep, print."""
    begun = provenance()
    rows = measure()
    keep({**begun, "rows": rows}, "sound_rates")
    print(table(rows))


if __name__ == "__main__":
    main()
