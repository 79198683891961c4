"""Acceptance day: what nobody has checked on real hardware, as a sheet to fill in and a report that a person signs."""
