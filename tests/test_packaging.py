"""What is shipped beside the code, and what it asks for."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from adapters import KINDS, desk, instagram, messenger, slack, whatsapp
from adapters.desk_setup import FIELDS as DESK
from benchmarks.redis_servers import server
from config.settings import parse
from config.store_address import read_address
from gateway.store.redis.health import examine

PLAIN = {"channel", "language"}
"""Fields that need no finding."""

ROOT = Path(__file__).parent.parent


def test_the_manifest_asks_for_what_the_desk_does() -> None:
    manifest = json.loads((ROOT / "config" / "slack-manifest.json").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])

    assert {"chat:write", "reactions:write", "channels:history", "groups:history", "channels:read"} <= scopes
    events = {"app_home_opened", "message.channels", "message.groups"}
    assert set(manifest["settings"]["event_subscriptions"]["bot_events"]) == events
    assert {"commands", "chat:write.customize"} <= scopes
    assert [each["command"] for each in manifest["features"]["slash_commands"]] == ["/dragoman"]
    assert manifest["features"]["app_home"]["home_tab_enabled"]
    assert len(manifest["display_information"]["description"]) <= 140


@pytest.mark.parametrize("readme", ["README.md", "config/README.md"])
def test_every_local_link_in_a_readme_leads_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text()
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    headings = {
        re.sub(r"[^a-z -]", "", line[3:].lower()).replace(" ", "-") for line in text.splitlines() if line[:2] == "##"
    }

    assert links
    assert [link for link in links if not (ROOT / readme).parent.joinpath(link).exists()] == []
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_the_guide_says_where_each_field_of_each_channel_is_found() -> None:
    sections = (ROOT / "config" / "README.md").read_text().split("\n## ")
    told = {section.partition("\n")[0].casefold(): section for section in sections}
    forms = {**KINDS, "slack": KINDS["slack"], "desk": DESK}
    titles = {"slack": "customers in slack", "desk": "the desk in slack"}
    for kind, fields in forms.items():
        section = told[titles.get(kind, kind)]
        missing = [field.name for field in fields if f"`{field.name}" not in section and field.name not in PLAIN]
        assert missing == [], kind


@pytest.mark.parametrize("failures", [whatsapp, messenger, instagram, slack, desk], ids=lambda each: each.__name__)
def test_each_error_that_is_known_has_words_and_a_cure(failures: Any) -> None:
    for code, failure in failures.FAILURES.items():
        assert failure.told, code
        assert failure.advice, code


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


def compose() -> Any:
    return YAML(typ="safe").load(ROOT / "compose.yaml")


def test_the_composed_redis_loses_nothing(tmp_path: Path) -> None:
    program, *options = compose()["services"]["redis"]["command"]
    assert program == "redis-server"
    with server(tmp_path, *options) as running:
        address = read_address(running.address)
        assert address
        _, faults = examine(address)
        with running.client() as client:
            synced = client.config_get("appendfsync")

    assert faults == {}
    assert list(synced.values()) == ["always"]


def test_what_compose_yaml_asks_for_in_the_configuration_is_right() -> None:
    lines = (ROOT / "compose.yaml").read_text().splitlines()
    asked = "\n".join(line[5:].strip() for line in lines if re.match(r"#       \S", line))
    desk = '[desk]\nchannel = "C0SUPPORT"\nbot_token = "xoxb-1"\napp_token = "xapp-1"\n'
    gateway = parse(f"{asked}\n{desk}", ROOT / "dragoman.toml", KINDS, {"DRAGOMAN_KEY": "k" * 32}).gateway

    assert (gateway.host, gateway.port) == ("0.0.0.0", 8080)  # noqa: S104 - in a container of its own
    assert gateway.redis
    assert gateway.redis.nodes == (("redis", 6379),)
    assert gateway.key.reveal() == "k" * 32


def test_what_runs_in_the_container_is_what_compose_yaml_relies_on() -> None:
    dockerfile, services = (ROOT / "Dockerfile").read_text(), compose()["services"]

    assert "EXPOSE 8080" in dockerfile
    assert "gateway 8080" in compose()["configs"]["proxy"]["content"]
    assert "DRAGOMAN_CONFIG=/data/dragoman.toml" in dockerfile
    assert any(volume.endswith(":/data/dragoman.toml:ro") for volume in services["gateway"]["volumes"])
    assert "USER 10001" in dockerfile
