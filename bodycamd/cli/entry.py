"""Where the command `bodycamd` begins. It imports nothing before a Ctrl-C can no longer end in a trace."""

from __future__ import annotations

try:
    import signal
except KeyboardInterrupt:
    raise SystemExit(130) from None


def run() -> int:
    """Carry out the process's command line and give its exit code.

    Loading the commands takes some tenths of a second in which nothing is open yet: a Ctrl-C ends the process there and then, as it does
    again when all is done. In between it is a `KeyboardInterrupt`, or what a command makes of it. An ignored SIGINT stays so.
    """
    try:
        before = signal.getsignal(signal.SIGINT)
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
    except KeyboardInterrupt:
        return 130
    from bodycamd.cli.main import carry_out

    code = 130
    try:
        signal.signal(signal.SIGINT, before)
        code = carry_out()
    except KeyboardInterrupt:
        return code
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return code


if __name__ == "__main__":
    raise SystemExit(run())
