"""Secrets, and the fields of a channel's form."""

from dataclasses import dataclass


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

    A field without a `default` must be given; `choices` are all it may be.
    """

    name: str
    label: str
    help: str = ""
    secret: bool = False
    default: str | None = None
    choices: tuple[str, ...] = ()
