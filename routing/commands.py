"""Reading a command that an agent wrote in a thread."""

import msgspec


class Command(msgspec.Struct, frozen=True):
    """A command's name in lower case, without its `!`, and what follows it."""

    name: str
    argument: str


def read_command(text: str) -> Command:
    """Read `!name argument`; what isn't a command becomes one that nobody knows."""
    said = text.removeprefix("!")
    name = "" if said[:1].isspace() else next(iter(said.split(maxsplit=1)), "")
    return Command(name.lower(), said[len(name) :].strip())
