"""What happens to a call for help, and the order to make one."""

from bodycamd.camera.control.check_events import Happening, Order


class HelpSent(Happening, frozen=True):
    """The station has signed that it reached somebody with this call of this start."""

    number: int


class HelpAnswered(Happening, frozen=True):
    """A person of the roster has signed an answer to this call of this start."""

    number: int


class CallHelp(Order, frozen=True):
    """Call for help. `number` counts calls within this start, from 1; `at_us` is when the button went down."""

    number: int
    recording: int
    at_us: int
