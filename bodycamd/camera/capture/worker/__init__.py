"""The worker: the only process that sees pictures; it seals what it sends."""
