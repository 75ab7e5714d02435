"""The commands; the only place that builds things."""

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import uvloop
from aiohttp import web

from adapters import KINDS
from config.credentials import Unreadable
from config.settings import ConfigError, Settings, load
from config.tables import read_duration
from gateway import (
    channel_commands,
    commands,
    conversation_commands,
    language_commands,
    logs,
    memory_commands,
    webhooks,
)
from gateway.app import Gateway
from gateway.arguments import Do, make_parser
from gateway.audit import who_runs_this
from gateway.commands import Finding
from gateway.demo import open_demo
from gateway.engines import make_chain
from gateway.init import write_configuration
from gateway.manifest import manifest
from gateway.report import report, translations
from gateway.settings_book import with_kept
from gateway.store.choose import beside
from gateway.store.contract import StoreError
from translation.contract import Pair
from translation.detect import Detector
from translation.models import ModelError
from translation.packages import PackageError
from translation.phrasebook import Phrasebook
from translation.tmx import TmxError

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 done, 1 it found something wrong, 2 unusable arguments or configuration."""
    options = make_parser(COMMANDS).parse_args(arguments)
    try:
        return int(options.command(options))
    except (ConfigError, Unreadable) as error:
        print(error, file=sys.stderr)
        return 2
    except (StoreError, ModelError, PackageError, TmxError) as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _settings(options: argparse.Namespace) -> Settings:
    """Read what is in force: the file, and what the console keeps in the store."""
    return with_kept(_of_file(options))


def _of_file(options: argparse.Namespace) -> Settings:
    """Read the file alone, for what works also where what is kept can't be used."""
    return load(_file(options), KINDS)


def _print(options: argparse.Namespace, findings: Iterable[Finding]) -> int:
    """Print what was found; 1 where something of it is wrong."""
    good = True
    for finding in findings:
        print(json.dumps(finding.fields, ensure_ascii=False) if options.json else finding.text, flush=True)
        good = good and finding.good
    return 0 if good else 1


def _file(options: argparse.Namespace) -> Path:
    return options.config or Path(os.environ.get("DRAGOMAN_CONFIG", "dragoman.toml"))


def _init(options: argparse.Namespace) -> int:
    given = channel_commands.read_given(options.given)
    return _print(options, write_configuration(_file(options), given, channel_commands.ask_person))


def _check(options: argparse.Namespace) -> int:
    settings = _of_file(options) if options.offline else _settings(options)
    logs.set_up(as_json=False, level=logging.ERROR)

    return _print_as_found(options, commands.check(settings, offline=options.offline))


def _translate(options: argparse.Namespace) -> int:
    settings = _settings(options)
    logs.set_up(as_json=False, level=logging.WARNING)
    text = _text(options)

    async def run() -> Finding:
        chain = make_chain(settings, Phrasebook.load())
        return await commands.translate(chain, text, options.source.lower(), options.target.lower())

    finding = _loop(run())
    if not finding.good and not options.json:
        print(finding.text, file=sys.stderr)
        return 1
    return _print(options, [finding])


def _detect(options: argparse.Namespace) -> int:
    return _print(options, [commands.detect(_text(options))])


def _route(options: argparse.Namespace) -> int:
    settings = _settings(options)
    if options.channel and options.channel not in settings.channels:
        known = ", ".join(settings.channels)
        print(f"there is no channel {options.channel!r}; known: {known}", file=sys.stderr)
        return 2
    if options.skill and not settings.policy.has_skill(options.skill):
        print(f"there is no skill {options.skill!r}", file=sys.stderr)
        return 2
    language = options.language or Detector().listen(options.text).language
    found = commands.route(settings, language=language, text=options.text, skill=options.skill, channel=options.channel)
    return _print(options, found)


def _backup(options: argparse.Namespace) -> int:
    return _print(options, commands.backup(_of_file(options), options.directory))


def _replay(options: argparse.Namespace) -> int:
    settings = _settings(options)
    try:
        return _print(options, commands.replay_file(settings, options.file))
    except (OSError, ValueError) as error:
        print(f"{options.file}: {error}", file=sys.stderr)
        return 1


def _channels(options: argparse.Namespace) -> int:
    settings = _of_file(options)
    match options.action:
        case "list":
            return _print(options, channel_commands.list_channels(settings))
        case "remove":
            return _print(options, channel_commands.remove(settings, options.id))
        case "pause" | "resume":
            return _print(options, channel_commands.pause(settings, options.id, paused=options.action == "pause"))
        case "test":
            return _print_as_found(options, channel_commands.test(settings, options.ids))
        case "rotate" if options.key:
            return _print(options, channel_commands.rotate_key(settings))
    if not options.id:
        print("say which channel, or --key", file=sys.stderr)
        return 2
    given, ask = channel_commands.read_given(options.given), channel_commands.ask_person
    if options.action == "add":
        return _print_as_found(options, channel_commands.add(settings, options.id, options.kind, given, ask))
    return _print_as_found(options, channel_commands.rotate(settings, options.id, given, ask))


def _print_as_found(options: argparse.Namespace, findings: AsyncIterator[Finding]) -> int:
    async def run() -> int:
        worst = 0
        async for finding in findings:
            worst = max(worst, _print(options, [finding]))
        return worst

    return _loop(run())


def _languages(options: argparse.Namespace) -> int:
    if options.action == "phrases":
        return _print(options, language_commands.check_phrases(options.directory))
    settings = _settings(options)
    logs.set_up(as_json=False, level=logging.WARNING)
    match options.action:
        case "list":
            return _print(options, language_commands.list_languages(settings))
        case "import":
            return _print(options, [language_commands.import_package(settings, options.file)])
        case "memory" if options.memory_action == "export":
            return _print(options, [memory_commands.export(beside(settings.gateway), options.file)])
        case "memory":
            return _print(options, memory_commands.take(beside(settings.gateway), options.file))
        case "install":
            tell = _tell_progress if options.progress else _show_progress
            found = language_commands.install(settings, options.languages, tell, engine=options.engine)
            return _print_as_found(options, found)
        case "mirror":
            found = language_commands.mirror(settings, options.directory, options.languages, _show_progress)
            return _print_as_found(options, found)
    return _print(options, language_commands.remove(settings, options.languages))


def _show_progress(pair: Pair, what: str, done: int, size: int) -> None:
    """Show how far a file is, where somebody looks."""
    if sys.stderr.isatty():
        of = f" of {size / 1e6:.1f}" if size else ""
        told = "" if size and done >= size else f"{pair.source} → {pair.target}  {what}  {done / 1e6:.1f}{of} MB"
        print(f"\r{told}\x1b[K", end="", file=sys.stderr, flush=True)


def _tell_progress(pair: Pair, what: str, done: int, size: int) -> None:
    """Tell programs how far a file is."""
    told = {"progress": f"{pair.source} → {pair.target} {what}", "done": done, "size": size}
    print(json.dumps(told, ensure_ascii=False), file=sys.stderr, flush=True)


def _conversations(options: argparse.Namespace) -> int:
    settings = _settings(options)
    match options.action:
        case "list":
            return _print(options, conversation_commands.list_conversations(settings, status=options.status))
        case "show":
            return _print(options, conversation_commands.show(settings, options.which))
        case "export":
            return _print(options, conversation_commands.export(settings, options.which))
    return _print(options, _loop(conversation_commands.forget(settings, options.which)))


def _report(options: argparse.Namespace) -> int:
    settings = _settings(options)
    since = read_duration(options.since)
    if since is None:
        print(f"--since {options.since}: must be such as 12h or 7d", file=sys.stderr)
        return 2
    as_what = options.format or ("json" if options.json else "table")
    tell = translations if options.translations else report
    print(tell(settings, since=since, now=datetime.now(UTC), as_what=as_what))
    return 0


def _manifest(options: argparse.Namespace) -> int:
    print(manifest(_settings(options)), end="")
    return 0


def _admin(options: argparse.Namespace) -> int:
    settings = _of_file(options)
    return _print(options, [commands.admin_link(settings, options.name or who_runs_this())])


def _dead(options: argparse.Namespace) -> int:
    settings = _of_file(options)
    if options.action == "list":
        return _print(options, commands.dead_list(settings, everything=options.all))
    return _print(options, commands.dead_do(settings, options.letters, drop=options.action == "drop"))


def _text(options: argparse.Namespace) -> str:
    return str(options.text) if options.text is not None else sys.stdin.read().rstrip("\n")


def _run(options: argparse.Namespace) -> int:
    settings = _of_file(options)
    logs.set_up(as_json=options.json)
    return _loop(run_gateway(settings))


def _loop(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _demo(options: argparse.Namespace) -> int:
    logs.set_up(as_json=False, level=logging.WARNING)

    async def run() -> int:
        async with open_demo(f"http://{options.host}:{options.port}" if options.port else "") as gateway:
            return await serve(gateway, options.host, options.port, "The demo is at")

    return _loop(run())


async def run_gateway(settings: Settings) -> int:
    """Run a gateway until it is told to stop."""
    gateway = Gateway(settings)
    await gateway.start()
    try:
        return await serve(gateway, settings.gateway.host, settings.gateway.port, "dragoman listens on")
    finally:
        await gateway.stop()


async def serve(gateway: Gateway, host: str, port: int, told: str) -> int:
    """Serve a gateway's addresses until a signal says to stop."""
    gc.freeze()  # the hundred thousand objects of the modules are never looked through again: 20 ms each time
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signal_, stop.set)
    runner = web.AppRunner(gateway.app, access_log=None, shutdown_timeout=2)
    try:
        await runner.setup()
        webhooks.shorten(runner, gateway.app)
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            print(f"can't listen on {host}:{port}: {os.strerror(error.errno or 0)}", file=sys.stderr)
            return 1
        print(f"{told} http://{host}:{runner.addresses[0][1]}/", flush=True)
        await stop.wait()
        return 0
    finally:
        await runner.cleanup()


COMMANDS: Mapping[str, Do] = {
    "run": _run,
    "demo": _demo,
    "init": _init,
    "check": _check,
    "translate": _translate,
    "languages": _languages,
    "detect": _detect,
    "route": _route,
    "backup": _backup,
    "replay": _replay,
    "channels": _channels,
    "conversations": _conversations,
    "report": _report,
    "slack-manifest": _manifest,
    "admin": _admin,
    "dead": _dead,
}


if __name__ == "__main__":
    sys.exit(main())
