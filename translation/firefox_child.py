"""A process that owns models of Firefox Translations: a JSON object a line in, one out, until its input ends.

It stands apart, and imports nothing of ours: the library holds Python's lock for a whole sentence, knows no limits, and
a malformed model aborts the process that reads it.
"""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import fxtranslate

NICE = 5
"""Below the gateway itself, which has platforms to answer."""


def main() -> None:
    """Answer one request after the other."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    # What a library prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    models: dict[str, Any] = {}
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            answer = _answer(models, request)
        except BaseException as error:  # noqa: BLE001  # a panic of the library is no Exception
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")


def _answer(models: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    match request:
        case {"load": name, "files": files, "drop": drop}:
            for each in drop:
                models.pop(each, None)
            model, source, target, lex = (Path(file).read_bytes() for file in files)
            models[name] = fxtranslate.Translator(model, source, target, lex)
            return {}
        case {"ask": name, "texts": texts}:
            return _translate(models[name], texts)
        case {"unpack": packed, "into": into, "sha256": sha256}:
            return _unpack(packed, into, sha256)
    return {"error": f"no request: {sorted(request)}"}


def _translate(model: Any, given: Sequence[str]) -> dict[str, Any]:
    texts: list[str | None] = []
    faults: list[str] = []
    for text in given:
        try:
            texts.append(model.translate(text))
        except BaseException as error:  # noqa: BLE001  # as above
            texts.append(None)
            faults.append(f"{type(error).__name__}: {error}")
    return {"texts": texts, "faults": faults}


def _unpack(packed: str, into: str, sha256: str) -> dict[str, Any]:
    """Write a file out of its zstd frame, if it is the one that was meant."""
    data = fxtranslate.discovery.verify_and_decompress(Path(packed).read_bytes(), None)
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        return {"error": f"its SHA-256 is {found}, not {sha256}"}
    with Path(into).open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    return {"size": len(data)}


if __name__ == "__main__":
    main()
