"""The daemon: wiring, loop, control socket."""
