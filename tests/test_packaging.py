"""What is shipped beside the code, and what it asks for."""

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_manifest_asks_for_what_the_desk_does() -> None:
    manifest = json.loads((ROOT / "config" / "slack-manifest.json").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])

    assert {"chat:write", "reactions:write", "channels:history", "groups:history", "channels:read"} <= scopes
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == {"message.channels", "message.groups"}
    assert len(manifest["display_information"]["description"]) <= 140


def test_every_local_link_in_the_readme_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text())

    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_locks_have_hashes_and_name_no_index() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        text = lock.read_text()
        pinned = re.findall(r"^[a-z0-9][\w.-]*==", text, re.MULTILINE)
        assert pinned
        assert len(pinned) <= text.count("--hash=sha256:")
        assert "index-url" not in text
        assert "://" not in text


def test_users_never_get_torch() -> None:
    assert "torch==" not in (ROOT / "requirements.lock").read_text()


def test_every_package_is_in_the_wheel() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == rooms
