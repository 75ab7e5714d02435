"""`dragoman languages memory`: what agents corrected, as a file for translators' tools, and back."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.commands import Finding
from gateway.corrections import KIND, read
from gateway.store.contract import Beside
from translation import tmx
from translation.protect import missing


def export(beside: Beside, file: Path) -> Finding:
    """Write all corrections.

    Raises:
        TmxError: the file can't be written.
    """
    corrections = sorted(read(beside.docs(KIND)), key=lambda each: each.key)
    tmx.write(corrections, file, version=importlib.metadata.version("dragoman"))
    return Finding(f"{file}: {len(corrections)} corrections", {"file": str(file), "corrections": len(corrections)})


def take(beside: Beside, file: Path) -> Iterator[Finding]:
    """Take what a file has as corrections, in place of those of the same texts; a running gateway has them at once.

    Raises:
        TmxError: it isn't TMX.
    """
    good: dict[str, bytes | None] = {}
    for each in tmx.read(file):
        if lost := missing(each.text, each.fix):
            told = f"left out: {each.fix!r} hasn't {', '.join(lost[:3])} just as {each.text!r} has"
            yield Finding(told, {"left_out": each.text, "lost": lost}, good=False)
        else:
            good[each.key] = msgspec.json.encode(each)
    beside.write_docs(KIND, good)
    yield Finding(f"{file}: {len(good)} taken; a running gateway has them already", {"taken": len(good)})
