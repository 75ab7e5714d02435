"""The key that credentials are encrypted and links signed with: as it is set, else a file made at first need."""

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.credentials import Secret
from config.settings import SHORTEST_KEY
from config.tables import ConfigError

NAME = "key"


def load_key(given: Secret, data_dir: Path) -> bytes:
    """Give 32 bytes: of the text that is set, else of the file `key` in the data directory.

    Raises:
        ConfigError: the file can be read by others, or isn't a key.
    """
    return _stretch(given.reveal() or _from_file(data_dir / NAME))


@contextmanager
def renew_key(data_dir: Path) -> Iterator[bytes]:
    """Give a new key, which takes the place of the one in the file once the context has ended well.

    Where that was interrupted before, it is the same new key again: something may be encrypted with it already.
    """
    fresh, file = data_dir / f"{NAME}.new", data_dir / NAME
    yield _stretch(_from_file(fresh))
    fresh.replace(file)


def _stretch(text: str) -> bytes:
    return hashlib.scrypt(text.encode(), salt=b"dragoman key", n=2**12, r=8, p=1, dklen=32)


def _from_file(file: Path) -> str:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(file)
    except OSError as error:
        raise ConfigError(f"{file}: can't be written: {error.strerror}: make the directory writable") from error
    with os.fdopen(handle, "w") as opened:
        made = secrets.token_urlsafe(32)
        opened.write(made)
        opened.flush()
        os.fsync(opened.fileno())
    return made


def _read(file: Path) -> str:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{file}: others can read the key: chmod 600 {file}")
    text = file.read_text(encoding="utf-8").strip()
    if len(text) < SHORTEST_KEY:
        raise ConfigError(
            f"{file}: isn't a key: remove it to have a new one made; what it encrypted can't be read then"
        )
    return text
