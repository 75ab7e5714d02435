"""A real model for the engine `firefox`, made by hand: weights that are set, not trained, translate word for word.

Each piece of the vocabulary has a code of +1 and -1. A source piece carries its translation's code (`TO`) and its own
(`OWN`); the decoder's first layer looks at the source piece at its own position and says the code found there, and the
output layer finds the piece whose code it is. What a word list doesn't have is copied letter by letter.
"""

import hashlib
import struct
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from translation.contract import Pair
from translation.models import FILES, Model, Models

Array = NDArray[np.float32]
FAST = 4
"""Position frequencies that tell places apart; the ones behind them are too slow to disturb a code."""

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789áéíóúñüÁÉÍÓÚÑÜ.,;:!?¿¡#@-_/'\"()%€$+&=⟦⟧"
END, UNKNOWN, NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 0, 1, 1, 2, 3, 6


@dataclass(frozen=True, slots=True)
class Made:
    """The three files of a direction, as Mozilla publishes them (before compression)."""

    model: bytes
    vocab: bytes
    lex: bytes

    def records(
        self, pair: Pair, folder: Path, *, split: bool = False, packed: bytes | None = None, **over: Any
    ) -> list[dict[str, Any]]:
        """Publish it as Mozilla does: write its files below `folder`, and give the records that name them."""
        vocabularies = {"srcvocab": self.vocab, "trgvocab": self.vocab} if split else {"vocab": self.vocab}
        records = []
        for kind, data in {"model": self.model, "lex": self.lex, **vocabularies}.items():
            frame = uncompressed_zstd(data) if packed is None else packed
            digest = hashlib.sha256(frame).hexdigest()
            name = f"{kind}.{pair.source}{pair.target}.zst"
            location = f"main-workspace/translations-models-v2/{digest[:32]}.{kind}.zst"
            (folder / location).parent.mkdir(parents=True, exist_ok=True)
            (folder / location).write_bytes(frame)
            record = {
                "name": name,
                "fileType": kind,
                "sourceLanguage": pair.source,
                "targetLanguage": pair.target,
                "version": "3.0",
                "architecture": "base-memory",
                "decompressedSize": len(data),
                "decompressedHash": hashlib.sha256(data).hexdigest(),
                "filter_expression": "",
                "attachment": {
                    "hash": digest,
                    "size": len(frame),
                    "filename": name,
                    "location": location,
                    "mimetype": "application/zstd",
                },
            }
            records.append({**record, **over})
        return records

    def put(self, models: Models, pair: Pair) -> Model:
        """Install it, as what is fetched is installed."""
        files = {"model": self.model, "source": self.vocab, "lex": self.lex}
        named = {what: hashlib.sha256(data).hexdigest() for what, data in files.items()}
        model = Model(
            source=pair.source,
            target=pair.target,
            version="0.0.test",
            architecture="made by hand",
            folder=named["model"][:16],
            files=named,
            size=sum(map(len, files.values())),
            origin="made by hand",
        )
        models.folder.mkdir(parents=True, exist_ok=True)
        incoming = Path(tempfile.mkdtemp(dir=models.folder, prefix=".incoming-"))
        for what, data in files.items():
            (incoming / FILES[what]).write_bytes(data)
        models.place(model, incoming)
        return model


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the network is; the default is as small as it can be."""

    dim: int = 128
    ffn: int = 16
    encoder: int = 1
    decoder: int = 1
    heads: int = 1
    rows: int = 0
    int8: bool = False


WORDS = """
    hola hello, mi my, pedido order, no not, ha has, llegado arrived, dónde where, está is, gracias thanks, por ,
    favor please, quiero want, casa house, tarjeta card, rechazada refused
"""
SPANISH: dict[str, str] = {one: other for one, _, other in (pair.strip().partition(" ") for pair in WORDS.split(","))}
"""Words for tests, from Spanish into English."""

BASE_MEMORY = Shape(dim=384, ffn=1536, encoder=6, decoder=4, heads=1, rows=32_000, int8=True)
"""The size of the models that Mozilla calls base-memory."""


def make_model(words: Mapping[str, str], shape: Shape = Shape(), *, byte_fallback: bool = True) -> Made:
    """Make a model that says the words of `words` (lower case) and copies the rest; "" leaves a word out."""
    pieces, goals = vocabulary(words, byte_fallback=byte_fallback)
    while len(pieces) < shape.rows or len(pieces) % 8:
        pieces.append((f"<pad{len(pieces)}>", -100.0, NORMAL))
        goals.append(len(pieces) - 1)
    return Made(_container(_Network(goals, shape).named, shape), sentencepiece(pieces), _shortlist(goals))


Piece = tuple[str, float, int]


def vocabulary(words: Mapping[str, str], *, byte_fallback: bool) -> tuple[list[Piece], list[int]]:
    """Give the pieces, and for each the number of the piece that translates it."""
    pieces: list[Piece] = [("</s>", 0.0, CONTROL), ("<unk>", 0.0, UNKNOWN_TYPE)]
    if byte_fallback:
        pieces += [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    pieces += [("▁", -7.0, NORMAL), *((letter, -8.0, NORMAL) for letter in LETTERS)]
    at = {piece: number for number, (piece, _, _) in enumerate(pieces)}
    said = {"▁¿": "▁", "▁¡": "▁"}
    for source, target in words.items():
        for one, other in ((source, target), (source.capitalize(), target.capitalize())):
            said[f"▁{one}"] = f"▁{other}" if other else "<unk>"
            said[one] = other or "<unk>"
    for piece in dict.fromkeys((*said, *said.values())):
        if piece not in at:
            at[piece] = len(pieces)
            pieces.append((piece, -1.0, NORMAL))
    return pieces, [at[said.get(piece, piece)] for piece, _, _ in pieces]


class _Network:
    """The weights by Marian's names; `places` of the embedding carry what they are called after."""

    def __init__(self, goals: Sequence[int], shape: Shape) -> None:
        half = shape.dim // 2
        stride = max(half // 64, 1)
        self.shape = shape
        self.fast = [each + cosine for cosine in (0, half) for each in range(0, FAST * stride, stride)]
        self.still = half - 1
        slow = range(FAST * stride, half - 1)
        self.to = [*slow][: len(slow) // 2 * 2]
        self.own = [half + each for each in self.to]
        codes = _codes(len(goals), len(self.to))
        rows = np.zeros((len(goals), shape.dim), np.float32)
        rows[:, self.to], rows[:, self.own] = codes[goals], codes
        self.named: dict[str, Array] = {
            "Wemb": rows * np.float32(4 / np.sqrt(shape.dim)),
            "decoder_ff_logit_out_b": _zeros(1, len(goals)),
        }
        for layer in range(1, shape.encoder + 1):
            self._attention(f"encoder_l{layer}_self", range(shape.dim), {})
            self._feed(f"encoder_l{layer}_ffn", range(shape.dim))
        for layer in range(1, shape.decoder + 1):
            self._decoder(f"decoder_l{layer}", first=layer == 1)

    def _decoder(self, name: str, *, first: bool) -> None:
        """Add a layer: the first finds the piece at its own place and says its code, the others say it on."""
        dim = self.shape.dim
        for matrix in ("W", "Wf"):
            self.named[f"{name}_rnn_{matrix}"] = _zeros(dim, dim)
        self.named[f"{name}_rnn_bf"] = _zeros(1, dim)
        self._norm(f"{name}_rnn_ffn", [*self.fast, self.still] if first else self.own)
        look = self._wire(self.fast, self.fast, 40, level=True)
        heard = self._wire(self.to, self.to, 1, level=True)
        said = self._wire(self.to, self.own, 8, level=False)
        self._attention(f"{name}_context", self.own, {"q": look, "k": look, "v": heard, "o": said} if first else {})
        self._feed(f"{name}_ffn", self.own)

    def _wire(self, sources: Sequence[int], targets: Sequence[int], gain: float, *, level: bool) -> Array:
        """Carry `sources` to `targets`; with `level` less what a norm's mean added, which `still` shows."""
        matrix = _zeros(self.shape.dim, self.shape.dim)
        matrix[sources, targets] = gain
        if level:
            matrix[self.still, targets] = -gain
        return matrix

    def _attention(self, name: str, kept: Sequence[int], matrices: Mapping[str, Array]) -> None:
        for letter in "qkvo":
            self.named[f"{name}_W{letter}"] = matrices.get(letter, _zeros(self.shape.dim, self.shape.dim))
            self.named[f"{name}_b{letter}"] = _zeros(1, self.shape.dim)
        self._norm(f"{name}_Wo", kept)

    def _feed(self, name: str, kept: Sequence[int]) -> None:
        for layer, rows, columns in (("1", self.shape.dim, self.shape.ffn), ("2", self.shape.ffn, self.shape.dim)):
            self.named[f"{name}_W{layer}"] = _zeros(rows, columns)
            self.named[f"{name}_b{layer}"] = _zeros(1, columns)
        self._norm(f"{name}_ffn", kept)

    def _norm(self, name: str, kept: Sequence[int]) -> None:
        scale = _zeros(1, self.shape.dim)
        scale[0, kept] = 1
        self.named[f"{name}_ln_scale"] = scale
        self.named[f"{name}_ln_bias"] = _zeros(1, self.shape.dim)


def _zeros(rows: int, columns: int) -> Array:
    return np.zeros((rows, columns), np.float32)


def _codes(count: int, length: int) -> Array:
    """Give each piece as many +1 as -1, in an order of its own."""
    chance = np.random.default_rng(7)
    even = np.repeat(np.array([1, -1], np.float32), length // 2)
    return np.array([chance.permutation(even) for _ in range(count)], np.float32)


def _container(named: Mapping[str, Array], shape: Shape) -> bytes:
    """Write Marian's binary format, version 1."""
    settings = {
        "dim-emb": shape.dim,
        "transformer-heads": shape.heads,
        "enc-depth": shape.encoder,
        "dec-depth": shape.decoder,
        "transformer-dim-ffn": shape.ffn,
    }
    yaml = "".join(f"{key}: {value}\n" for key, value in settings.items()).encode() + b"\0"
    items: list[tuple[str, int, tuple[int, ...], bytes]] = [("special:model.yml", 0x101, (len(yaml),), yaml)]
    for name, array in named.items():
        items += _packed(name, array) if shape.int8 else [(name, 0x404, array.shape, array.astype("<f4").tobytes())]
    items = [(name, kind, sizes, data + b"\0" * (-len(data) % 256)) for name, kind, sizes, data in items]
    head = struct.pack("<2Q", 1, len(items))
    head += b"".join(
        struct.pack("<4Q", len(name) + 1, kind, len(sizes), len(data)) for name, kind, sizes, data in items
    )
    head += b"".join(name.encode() + b"\0" for name, *_ in items)
    head += b"".join(struct.pack(f"<{len(sizes)}i", *sizes) for _, _, sizes, _ in items)
    gap = -(len(head) + 8) % 256
    return head + struct.pack("<Q", gap) + b"\0" * gap + b"".join(data for *_, data in items)


def _packed(name: str, array: Array) -> list[tuple[str, int, tuple[int, ...], bytes]]:
    """Write a matrix as intgemm8: [N, K] int8 and what it was multiplied with; no value above 64, for 16-bit sums."""
    if min(array.shape) == 1:
        return [(name, 0x404, array.shape, array.astype("<f4").tobytes())]
    factor = np.float32(64 / max(float(np.abs(array).max()), 1e-6))
    stored = array if name == "Wemb" else array.T
    data = np.rint(stored * factor).astype(np.int8).tobytes() + struct.pack("<f", factor)
    scale = struct.pack("<f", 16.0)
    given = [(f"{name}_QuantMultA", 0x404, (1, 1), scale)]
    if name == "Wemb":
        given.append(("none_QuantMultA", 0x404, (1, 1), scale))
    return [(name, 0x4101, array.shape, data), *given]


def sentencepiece(pieces: Sequence[Piece]) -> bytes:
    """Write a SentencePiece unigram model: protobuf, by hand."""

    def number(field: int, value: int) -> bytes:
        return _varint(field << 3) + _varint(value)

    def block(field: int, data: bytes) -> bytes:
        return _varint(field << 3 | 2) + _varint(len(data)) + data

    body = b"".join(
        block(1, block(1, piece.encode()) + _varint(2 << 3 | 5) + struct.pack("<f", score) + number(3, kind))
        for piece, score, kind in pieces
    )
    has_bytes = any(kind == BYTE for *_, kind in pieces)
    trainer = number(3, 1) + number(35, has_bytes) + number(40, UNKNOWN) + number(42, END)
    trainer += b"".join(_varint(field << 3) + _varint((1 << 64) - 1) for field in (41, 43))
    normaliser = block(1, b"identity") + number(3, 1) + number(4, 1) + number(5, 1)
    return body + block(2, trainer) + block(3, normaliser)


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _shortlist(goals: Sequence[int]) -> bytes:
    """Name for each source piece the one target piece that may be chosen."""
    offsets = [0, *accumulate(1 for _ in goals)]
    head = struct.pack("<6Q", 0xF11A48D5013417F5, 0, 16, 1, len(offsets), len(goals))
    return head + struct.pack(f"<{len(offsets)}Q", *offsets) + struct.pack(f"<{len(goals)}I", *goals)


def uncompressed_zstd(data: bytes) -> bytes:
    """Write a zstd frame of stored blocks, which needs no compressor."""
    blocks = [data[at : at + 131_072] for at in range(0, len(data), 131_072)] or [b""]
    head = struct.pack("<IBQ", 0xFD2FB528, 0b1110_0000, len(data))
    return head + b"".join(
        struct.pack("<I", (len(block) << 3) | (number == len(blocks) - 1))[:3] + block
        for number, block in enumerate(blocks)
    )
