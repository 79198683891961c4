"""The capture worker (camera, microphone, encoding, encryption) and the recorder's side of the link to it."""
