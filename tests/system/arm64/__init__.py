"""The product on a Pi's processor, emulated: `scripts/test-arm64` says which tests run there; what it records is judged here."""
