"""An Argos package of the size of real ones, made by hand: what it costs is real, what it says is always the same.

The decoder's positions carry the words to be said, so that each text takes as many steps as real ones do; all other
weights are random, and as many.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import TransformerSpec

from benchmarks.firefox_model import sentencepiece, vocabulary
from translation.contract import Pair

LAYERS, WIDTH, HEADS, INNER, ROWS = 6, 512, 8, 2048, 32_000
"""Of OPUS-MT's and Argos's models."""

LONGEST = 512
SAID = 13
"""Words of each translation; its end is one more step."""

LOUD, QUIET = 200.0, 1e-4
"""How much positions count in the decoder, and how little the layers."""


def make_package(words: Mapping[str, str], pair: Pair, folder: Path) -> Path:
    """Make a package's folder within another; `words` are those that its tokenizer knows."""
    pieces, _ = vocabulary(words, byte_fallback=False)
    while len(pieces) < ROWS - 1:
        pieces.append((f"<pad{len(pieces)}>", -100.0, 1))
    tokens = [*(piece for piece, _, _ in pieces), "<s>"]
    package = folder / f"{pair.source}_{pair.target}-1_0"
    package.mkdir(parents=True)
    (package / "sentencepiece.model").write_bytes(sentencepiece(pieces))
    names = {"en": "English", "es": "Spanish"}
    metadata = {
        "package_version": "1.0",
        "argos_version": "1.9",
        "from_code": pair.source,
        "from_name": names[pair.source],
        "to_code": pair.target,
        "to_name": names[pair.target],
    }
    (package / "metadata.json").write_text(json.dumps(metadata))
    said = [place for place, token in enumerate(tokens) if token.startswith("▁") and len(token) > 2][:SAID]
    _write([*said, tokens.index("</s>")], tokens, package / "model")
    return package


def _write(said: list[int], tokens: list[str], folder: Path) -> None:
    chance = np.random.default_rng(7)
    spec: Any = TransformerSpec.from_config(LAYERS, HEADS)
    rows = chance.normal(size=(len(tokens), WIDTH)).astype(np.float32) / np.float32(np.sqrt(WIDTH))
    for side in (spec.encoder, spec.decoder):
        embeddings = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        embeddings.weight = rows
        side.position_encodings.encodings = np.zeros((LONGEST, WIDTH), np.float32)
        _norm(side.layer_norm)
        for layer in side.layer:
            _layer(layer, chance)
    for step in range(LONGEST):
        spec.decoder.position_encodings.encodings[step] = LOUD * rows[said[min(step, len(said) - 1)]]
    spec.decoder.projection.weight = rows
    spec.config.add_source_eos = True
    spec.register_source_vocabulary(tokens)
    spec.register_target_vocabulary(tokens)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir()
    spec.save(str(folder))


def _layer(layer: Any, chance: np.random.Generator) -> None:
    own = layer.self_attention
    _norm(own.layer_norm)
    _linear(own.linear[0], 3 * WIDTH, WIDTH, chance)
    _linear(own.linear[1], WIDTH, WIDTH, chance, QUIET)
    if hasattr(layer, "attention"):
        _norm(layer.attention.layer_norm)
        _linear(layer.attention.linear[0], WIDTH, WIDTH, chance)
        _linear(layer.attention.linear[1], 2 * WIDTH, WIDTH, chance)
        _linear(layer.attention.linear[2], WIDTH, WIDTH, chance, QUIET)
    _norm(layer.ffn.layer_norm)
    _linear(layer.ffn.linear_0, INNER, WIDTH, chance)
    _linear(layer.ffn.linear_1, WIDTH, INNER, chance, QUIET)


def _norm(to: Any) -> None:
    to.gamma, to.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


def _linear(to: Any, out: int, into: int, chance: np.random.Generator, scale: float = 0.05) -> None:
    to.weight = (chance.normal(size=(out, into)) * scale).astype(np.float32)
    to.bias = np.zeros(out, np.float32)
