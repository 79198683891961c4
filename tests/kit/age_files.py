"""Age files that nobody but a test makes: bytes that pass for one where nobody decrypts, and one whose passphrase is tried fast."""

from __future__ import annotations

import base64
import os

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bodycamd.footage import AGE_MAGIC

LOG_WORK = 4

AGE_HEADER = AGE_MAGIC + b"-> X25519 " + b"A" * 43 + b"\n" + b"B" * 43 + b"\n--- " + b"C" * 43 + b"\n"
"""For one X25519 recipient, whole in form."""


def sealed_with_passphrase(content: bytes, passphrase: str, *, armored: bool = False) -> bytes:
    """What `age -p` makes, with little work for the passphrase: it is for tests, where a second each would count."""
    salt, file_key, nonce = os.urandom(16), os.urandom(16), os.urandom(16)
    wrapping = Scrypt(b"age-encryption.org/v1/scrypt" + salt, 32, 2**LOG_WORK, 8, 1).derive(passphrase.encode())
    wrapped = ChaCha20Poly1305(wrapping).encrypt(bytes(12), file_key, None)
    header = AGE_MAGIC + b"-> scrypt %s %d\n%s\n---" % (_in_base64(salt), LOG_WORK, _in_base64(wrapped))
    mac = HMAC(HKDF(SHA256(), 32, None, b"header").derive(file_key), SHA256())
    mac.update(header)
    payload = ChaCha20Poly1305(HKDF(SHA256(), 32, nonce, b"payload").derive(file_key)).encrypt(bytes(11) + b"\1", content, None)
    made = header + b" " + _in_base64(mac.finalize()) + b"\n" + nonce + payload
    if not armored:
        return made
    text = base64.b64encode(made).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN AGE ENCRYPTED FILE-----", *lines, "-----END AGE ENCRYPTED FILE-----", ""]).encode()


def _in_base64(content: bytes) -> bytes:
    return base64.b64encode(content).rstrip(b"=")
