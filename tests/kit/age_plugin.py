"""An age plugin (`age-plugin-tiny`): its identity is an X25519 key in other letters, and it unwraps what is sealed to that key's recipient.

It speaks the stock protocol (C2SP age-plugin, identity-v1), as `age` itself shows. `install` puts it where programs are found.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

TOLD = "touch the \x1b[31mkey"
"""What it asks of the person, with a colour that must not reach the terminal."""
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_POLYNOMIAL = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def install(folder: Path, program: str = "tiny") -> Path:
    """Make the plugin's program in a folder, which is to be on the PATH."""
    folder.mkdir(exist_ok=True)
    path = folder / f"age-plugin-{program}"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(__file__)} "$@"\n')
    path.chmod(0o755)
    return path


def identity_of(secret_key: str, program: str = "tiny") -> str:
    """The plugin's identity for an `AGE-SECRET-KEY-1…`."""
    human = f"age-plugin-{program}-"
    words = _words(secret_key)
    head = [ord(letter) >> 5 for letter in human] + [0] + [ord(letter) & 31 for letter in human]
    check = _polymod([*head, *words, *[0] * 6]) ^ 1
    return (human + "1" + "".join(_LETTERS[word] for word in [*words, *(check >> 5 * (5 - n) & 31 for n in range(6))])).upper()


def _words(bech32: str) -> list[int]:
    return [_LETTERS.index(letter) for letter in bech32.lower().rpartition("1")[2]][:-6]


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top, check = check >> 25, (check & 0x1FFFFFF) << 5 ^ word
        for bit, factor in enumerate(_POLYNOMIAL):
            check ^= factor if top >> bit & 1 else 0
    return check


def _bytes(bech32: str) -> bytes:
    made, held, bits = bytearray(), 0, 0
    for word in _words(bech32):
        held, bits = held << 5 | word, bits + 5
        if bits >= 8:
            bits -= 8
            made.append(held >> bits & 255)
    return bytes(made)


def _in_base64(content: bytes) -> str:
    return base64.b64encode(content).rstrip(b"=").decode()


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4))


def _read() -> tuple[list[str], bytes]:
    head, body = sys.stdin.readline().split()[1:], ""
    while True:
        line = sys.stdin.readline().rstrip("\n")
        body += line
        if len(line) < 64:
            return head, _from_base64(body)


def _send(*words: str, body: bytes = b"") -> None:
    text = _in_base64(body)
    lines = [text[at : at + 64] for at in range(0, len(text) + 1, 64)]
    print("->", *words)
    print(*lines, sep="\n", flush=True)


def _file_key(key: X25519PrivateKey, share: bytes, wrapped: bytes) -> bytes | None:
    ours = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = key.exchange(X25519PublicKey.from_public_bytes(share))
    wrapping = HKDF(SHA256(), 32, share + ours, b"age-encryption.org/v1/X25519").derive(shared)
    try:
        return ChaCha20Poly1305(wrapping).decrypt(bytes(12), wrapped, None)
    except InvalidTag:
        return None


def main() -> None:
    """One conversation, as `age` begins it."""
    keys: list[X25519PrivateKey] = []
    stanzas: list[tuple[str, list[str], bytes]] = []
    while (order := _read())[0] != ["done"]:
        match order:
            case ["add-identity", identity], _:
                keys.append(X25519PrivateKey.from_private_bytes(_bytes(identity)))
            case ["recipient-stanza", file, *words], body:
                stanzas.append((file, words, body))
    for file, words, body in stanzas:
        found = [_file_key(key, _from_base64(words[1]), body) for key in keys if words[0] == "X25519"]
        for file_key in (opened for opened in found if opened is not None):
            _send("msg", body=TOLD.encode())
            _read()
            _send("file-key", file, body=file_key)
            _read()
            break
    _send("done")


if __name__ == "__main__":
    main()
