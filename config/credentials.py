"""Secrets, the fields of a channel's form, and how a channel's fields are kept: encrypted."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Secret:
    """A value that shows itself only when asked to: its repr, its str and its formatting say nothing."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the value, to be used and not kept."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"

    __str__ = __repr__


NO_SECRET = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line of a channel's form: its key in the configuration, and what an admin is told about it.

    `where` is where the platform shows it, `help` what else there is to know. What is right matches `pattern`, a
    regular expression, which `looks` tells in words. A field without a `default` must be given; `choices` are all it
    may be.
    """

    name: str
    label: str
    help: str = ""
    where: str = ""
    pattern: str = ""
    looks: str = ""
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()

    def doubt(self, value: str) -> str:
        """Say that a value doesn't look like one, "" where it does or nothing is known of how they look."""
        if not value or not self.pattern or re.fullmatch(self.pattern, value):
            return ""
        return f"{self.label}: this doesn't look like one, which is {self.looks}"


def token_field(
    name: str,
    label: str,
    *,
    where: str = "",
    help: str = "",
    looks: str = "one word without spaces",
) -> Field:
    """Give the field of a secret of which no more is known than that it has no spaces; `looks` says it in words."""
    return Field(name=name, label=label, where=where, help=help, secret=True, pattern=r"\S+", looks=looks)


class Unreadable(Exception):
    """What was sealed isn't for this key, or isn't what was sealed."""


class Vault:
    """Seals a channel's fields, and opens them again; `key` has 32 bytes.

    AES-GCM with a nonce of its own for each sealing; the channel's id is part of what is proved, so that one channel's
    fields can't be put in another's place.
    """

    _VERSION = b"\x01"
    _NONCE = 12

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._name = hashlib.sha256(b"vault" + key).digest()[:4]

    def seal(self, channel: str, fields: Mapping[str, str]) -> bytes:
        """Encrypt a channel's fields."""
        nonce = os.urandom(self._NONCE)
        plain = json.dumps(dict(fields)).encode()
        return self._VERSION + self._name + nonce + self._cipher.encrypt(nonce, plain, channel.encode())

    def open(self, channel: str, sealed: bytes) -> dict[str, str]:
        """Decrypt a channel's fields.

        Raises:
            Unreadable: it was sealed with another key, for another channel, or was changed.
        """
        head = 1 + len(self._name)
        if sealed[:1] != self._VERSION or sealed[1:head] != self._name:
            raise Unreadable("it was encrypted with another key; `dragoman channels rotate --key` ends a renewal")
        nonce, rest = sealed[head : head + self._NONCE], sealed[head + self._NONCE :]
        try:
            plain = self._cipher.decrypt(nonce, rest, channel.encode())
        except (InvalidTag, ValueError) as error:
            raise Unreadable("it isn't what was encrypted") from error
        return {str(name): str(value) for name, value in json.loads(plain).items()}
