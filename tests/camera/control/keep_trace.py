"""Makes a test of a camera's trace (`control.trace`): `python -m tests.camera.control.keep_trace FILE [NAME]`.

Says where today's control answers otherwise than the camera did, and ends with 1 there. With a name, the trace is kept with today's answers
in `traces/NAME.jsonl`: `test_traces` repeats it from then on. Look at it first: a change of behaviour becomes the reference.
"""

from __future__ import annotations

import sys
from pathlib import Path

from bodycamd import __version__
from bodycamd.camera.control.machine import step
from bodycamd.camera.control.trace import Begin, TraceLine, begin_line, read_trace, replay, step_line
from bodycamd.errors import BodycamError

TRACES = Path(__file__).parent / "traces"


def with_todays_answers(lines: list[TraceLine]) -> bytes:
    """The same events from the same states, with what `step` answers today."""
    made = b""
    for line in lines:
        if isinstance(line, Begin):
            state = line.state
            made += begin_line(state, __version__)
        else:
            state, actions = step(state, line.event, line.now_us)
            answered = step_line(line.now_us, line.event, state, actions)
            assert answered is not None, "it was read from JSON"
            made += answered
    return made


def main(arguments: list[str]) -> int:
    if len(arguments) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        lines = read_trace(Path(arguments[0]).read_bytes(), arguments[0])
    except (OSError, BodycamError) as error:
        print(error, file=sys.stderr)
        return 65
    differences = list(replay(lines))
    print(*differences, sep="\n")
    print(f"{len(lines)} lines, {len(differences)} answered otherwise")
    if len(arguments) == 2:
        kept = TRACES / f"{arguments[1]}.jsonl"
        kept.write_bytes(with_todays_answers(lines))
        print(f"kept as {kept}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
