"""What runs inside the virtual camera: `python3 -m tests.machine.jobs NAME` (see tests/machine)."""
