"""The password of a page that other machines can reach, by HTTP's Basic authentication (RFC 7617)."""

import base64
import getpass
import hashlib
import hmac
import sys
from collections.abc import Mapping
from pathlib import Path

from colourize import files
from colourize.app.rules import RefusedError
from colourize.errors import InputError, one_line

LEAST, MOST = 12, 1024
"""Letters of a password: guessing 12 random ones over a network takes centuries."""


class Password:
    """A password, as its hash only. The user's name is free."""

    def __init__(self, text: str) -> None:
        self._hash = hashlib.sha256(text.encode()).digest()

    def check(self, headers: Mapping[str, str]) -> None:
        """Compares in constant time.

        Raises:
            RefusedError: the password is missing or wrong; 401, on which a browser asks for it.
        """
        kind, _, code = headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(code, validate=True).partition(b":")[2] if kind.lower() == "basic" else b""
        except ValueError:
            given = b""
        if not hmac.compare_digest(hashlib.sha256(given).digest(), self._hash):
            raise RefusedError(401, "this page requires the password that its owner chose; the name is free")


def asked(host: str, is_local: bool, file: Path | None) -> Password | None:
    """The password of a page: the first line of the file, or of a prompt; on this machine alone, none without a file.

    Raises:
        InputError: the password is too short or too long, the file cannot be read, or there is no terminal.
    """
    if file is not None:
        return _checked(_first_line(file), f"the first line of {file}")
    if is_local:
        return None
    if not sys.stdin.isatty():
        raise InputError(f"--host {host} requires a password: pass --password-file FILE, or run in a terminal")
    return _checked(getpass.getpass("Password for visitors from other machines: "), "the password")


def _first_line(file: Path) -> str:
    try:
        lines = files.read_bytes(file, MOST * 4).decode(errors="replace").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{one_line(error)}; pass a file whose first line is the password") from error
    return lines[0] if lines else ""


def _checked(text: str, name: str) -> Password:
    if not LEAST <= len(text) <= MOST:
        raise InputError(f"{name} must have {LEAST} to {MOST} letters, got {len(text)}; choose a longer password")
    return Password(text)
