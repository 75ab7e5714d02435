"""Which hash tag something is kept under: 64 partitions by mailbox, and a few tags that all share."""

from zlib import crc32

PARTITIONS = 64
TAGS = tuple(map(str, range(PARTITIONS)))

REPLICAS = "replicas"
CREW = "crew"
DOCS = "docs"
"""The tags that aren't partitions: who is alive, how much each agent has, and documents."""


def find_by(prefix: str, tag: str) -> tuple[str, str]:
    """Give the keys that a call into a tag names: a cluster finds the server by the first.

    The second is never there: a cluster that moves a slot from one server to another refuses a call that names several
    keys if one isn't there (TRYAGAIN), so that no function sees a part of its tag only.
    """
    return f"{prefix}:{{{tag}}}:lease", f"{prefix}:{{{tag}}}:never"


def tag_of(name: str) -> str:
    """Name the partition of a mailbox, or of any other name."""
    return TAGS[crc32(name.encode()) % PARTITIONS]
