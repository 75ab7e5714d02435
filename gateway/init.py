"""`dragoman init`: the few questions there are, and a first configuration that works."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from adapters import KINDS
from config.credentials import Field
from config.settings import parse
from config.tables import ConfigError
from gateway.commands import Finding

Ask = Callable[[Field], str]
DESK = (
    Field(name="desk.channel", label="The agents' Slack channel", help="its id, such as C0SUPPORT: see its details"),
    Field(name="desk.bot_token", label="The Slack app's bot token", secret=True, help="xoxb-…"),
    Field(name="desk.app_token", label="Its app-level token", secret=True, help="xapp-…, with connections:write"),
    Field(name="agent.slack_user_id", label="Your Slack member id", help="your profile, …, Copy member ID"),
    Field(name="agent.name", label="Your name, as colleagues call you"),
    Field(name="agent.languages", label="The languages you answer in", default="en", help="codes, such as en, es"),
    Field(name="channel.kind", label="Where customers write", default="telegram", choices=tuple(KINDS)),
    Field(name="channel.id", label="What that channel is called", default="", help="a word of yours"),
)


def write_configuration(file: Path, given: Mapping[str, str], ask: Ask) -> list[Finding]:
    """Ask for what isn't given, and write a configuration that only its owner can read.

    Raises:
        ConfigError: there is a file already, or an answer isn't right; nothing is written then.
    """
    if file.exists():
        raise ConfigError(f"{file}: is there already: name another by -c, or change it by hand")
    answers = {field.name: given[field.name] if field.name in given else _answer(field, ask) for field in DESK}
    kind = answers["channel.kind"]
    if kind not in KINDS:
        raise ConfigError(f"channel.kind: must be one of {', '.join(KINDS)}, not {kind!r}")
    fields = {field.name: _of_channel(field, given, ask) for field in KINDS[kind]}
    known = {*answers, *(f"channel.{name}" for name in fields)}
    if unknown := sorted(given.keys() - known):
        raise ConfigError(f"--set {unknown[0]}: unknown; known: {', '.join(sorted(known))}")
    text = _toml(answers, {name: value for name, value in fields.items() if value})
    parse(text, file, KINDS, os.environ)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    return [
        Finding(f"wrote {file}, which only you can read", {"written": str(file)}),
        Finding(f"next: dragoman check -c {file}, then dragoman run -c {file}", {"next": ["check", "run"]}),
    ]


def _answer(field: Field, ask: Ask) -> str:
    return ask(field) or field.default or ""


def _of_channel(field: Field, given: Mapping[str, str], ask: Ask) -> str:
    """Ask only for what a channel can't do without."""
    name = f"channel.{field.name}"
    if name in given or field.default is not None:
        return given.get(name, "")
    return ask(replace(field, name=name))


def _toml(answers: Mapping[str, str], channel: Mapping[str, str]) -> str:
    kind = answers["channel.kind"]
    lines = [
        "# Every other setting, with its default: dragoman.example.toml",
        f"[channels.{answers['channel.id'] or kind}]",
        f"kind = {_quoted(kind)}",
        *(f"{name} = {_quoted(value)}" for name, value in channel.items()),
        "",
        "[desk]",
        *(f"{name} = {_quoted(answers[f'desk.{name}'])}" for name in ("channel", "bot_token", "app_token")),
        "",
        "[[agents]]",
        *(f"{name} = {_quoted(answers[f'agent.{name}'])}" for name in ("slack_user_id", "name")),
        f"languages = [{', '.join(_quoted(tag.strip()) for tag in answers['agent.languages'].split(','))}]",
        "",
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
