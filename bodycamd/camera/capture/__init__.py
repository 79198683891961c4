"""The capture worker (camera, microphone, encoding, sealing) and the recorder's side of the link to it."""
