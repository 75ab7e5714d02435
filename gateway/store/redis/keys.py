"""Which hash tag something is kept under: 64 partitions by mailbox, and a few tags that all share."""

from zlib import crc32

PARTITIONS = 64
TAGS = tuple(map(str, range(PARTITIONS)))

REPLICAS = "replicas"
CREW = "crew"
DOCS = "docs"
"""The tags that aren't partitions: who is alive, how much each agent has, and documents."""


def tag_of(name: str) -> str:
    """Name the partition of a mailbox, or of any other name."""
    return TAGS[crc32(name.encode()) % PARTITIONS]
