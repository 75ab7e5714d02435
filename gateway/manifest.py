"""The manifest of the desk's Slack app: all that it asks for."""

from pathlib import Path

import config

FILE = Path(config.__file__).parent / "slack-manifest.json"


def manifest() -> str:
    """Give it as JSON, ready to paste."""
    return FILE.read_text(encoding="utf-8")
