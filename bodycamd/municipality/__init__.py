"""The evidence officer's side: needs no camera."""
