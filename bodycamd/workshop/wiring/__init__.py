"""The wiring of a camera, drawn from its configuration."""
