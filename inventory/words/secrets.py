"""Decides where a secret lies: in a file only we can read, or in the environment; never in a row.

A reference is ``file:/absolute/path`` or ``env:NAME``. It is resolved each time it is used, so a
rotated secret counts at once, and nothing keeps it longer than a connection needs it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from inventory.words import grammar

_MAX_BYTES: Final = 4096
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SecretMissing(Exception):
    """A reference that gives no secret; its text says why and what to do, never the secret."""


def resolve(reference: str, environment: Mapping[str, str]) -> str:
    """The secret behind a reference. SecretMissing; blocking, but only a small local read."""
    scheme, _, rest = reference.partition(":")
    if scheme == "env":
        secret = environment.get(rest, "")
        where = f"environment variable {rest}"
    elif scheme == "file":
        secret, where = _read(Path(rest)), f"file {rest}"
    else:
        raise SecretMissing(f"reference {scheme!r} is not known; use env:NAME or file:/path")
    if not grammar.is_secret(secret):
        raise SecretMissing(f"{where} holds no secret of one printable line")
    return secret


def write(directory: Path, name: str, secret: str) -> str:
    """Keep a secret in ``directory/name`` (0600, directory 0700) and return its reference.

    Synced and renamed into place: a crash leaves the old secret or the new one.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, fresh = directory / name, directory / f".{name}.new"
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return f"file:{path.absolute()}"


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SecretMissing(f"file {path} can be read by others; chmod 600 it")
            return file.read(_MAX_BYTES).decode("utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SecretMissing(f"file {path} cannot be read: {reason}") from error
