"""A picture for those who have none: a pattern of squares, always the same for the same one, rarely for another."""

import struct
import zlib
from hashlib import sha256

SQUARES = 5
SCALE = 20
"""Pixels of a square's side; a margin of half as many is around them."""

SIDE = (SQUARES + 1) * SCALE
PAPER = (0xF2, 0xF2, 0xF0)
COLOURS = (
    (0xC2, 0x41, 0x2D),
    (0xB2, 0x6A, 0x00),
    (0x5B, 0x7F, 0x1E),
    (0x1B, 0x7F, 0x5C),
    (0x1A, 0x6F, 0x9C),
    (0x4B, 0x55, 0xB8),
    (0x8A, 0x44, 0xA8),
    (0xB0, 0x3A, 0x6E),
)


def pattern(of: str) -> bytes:
    """Draw it as a PNG of `SIDE` by `SIDE` pixels."""
    bits = int.from_bytes(sha256(of.encode()).digest())
    colour = COLOURS[bits % len(COLOURS)]
    bits >>= 8
    half = (SQUARES + 1) // 2
    rows = []
    for _ in range(SQUARES):
        left = [bool(bits >> column & 1) for column in range(half)]
        bits >>= half
        rows.append([*left, *reversed(left[: SQUARES // 2])])
    margin = bytes(SCALE // 2)
    lines = [margin + b"".join(bytes([filled]) * SCALE for filled in row) + margin for row in rows]
    empty = bytes(SIDE)
    pixels = [empty] * (SCALE // 2) + [line for line in lines for _ in range(SCALE)] + [empty] * (SCALE // 2)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", bytes([*PAPER, *colour])),
            _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + line for line in pixels), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
