"""The commands; the only place that builds things."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
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
from gateway.audit import who_runs_this
from gateway.commands import Finding
from gateway.demo import open_demo
from gateway.engines import make_chain
from gateway.init import write_configuration
from gateway.manifest import manifest
from gateway.report import FORMATS, report, translations
from gateway.settings_book import with_kept
from gateway.store.choose import beside
from gateway.store.contract import StoreError
from routing.state import Status
from translation.contract import Pair
from translation.detect import Detector
from translation.models import ModelError
from translation.packages import PackageError, tag
from translation.phrasebook import Phrasebook
from translation.tmx import TmxError

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 done, 1 it found something wrong, 2 unusable arguments or configuration."""
    options = _parser().parse_args(arguments)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dragoman",
        description="Customers write in their language, agents answer in theirs.",
        epilog="Exit status: 0 done, 1 it found something wrong, 2 unusable arguments or configuration.",
    )
    known = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _command(known, "run", _run, "the gateway; with --json its log is JSON lines")
    demo = _command(known, "demo", _demo, "the gateway plus the sandbox, with a page to try it on")
    demo.add_argument("--host", default="127.0.0.1", help="where the page listens (default: 127.0.0.1)")
    demo.add_argument("--port", type=int, default=8080, help="the page's port (default: 8080)")
    first = _command(known, "init", _init, "ask a few questions and write a first configuration")
    told = "an answer, such as desk.channel=C0SUPPORT; with - for the value it is read from standard input"
    first.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="given", help=told)
    check = _command(known, "check", _check, "ask each platform, store and engine whether it works")
    check.add_argument("--offline", action="store_true", help="only what needs no network")
    translate = _command(known, "translate", _translate, "translate one text")
    translate.add_argument("source", metavar="FROM", help="its language, such as es")
    translate.add_argument("target", metavar="TO", help="the language wanted, such as en")
    _add_text(translate)
    _add_languages(
        _command(known, "languages", _languages, "translation models: what is there, getting and removing them")
    )
    _add_text(_command(known, "detect", _detect, "say which language a text is in"))
    route = _command(known, "route", _route, "say who would get a conversation, and why")
    route.add_argument("--language", default="", help="the customer's language, such as es")
    route.add_argument("--text", default="", help="what the customer writes")
    route.add_argument("--skill", default="", help="the skill asked for (default: what the text suggests)")
    route.add_argument("--channel", default="", metavar="ID", help="the channel that they write on")
    backup = _command(known, "backup", _backup, "copy a running installation")
    backup.add_argument("directory", type=Path, metavar="DIR", help="a new directory")
    replay = _command(known, "replay", _replay, "run recorded events through the core again and print what differs")
    replay.add_argument("file", type=Path, metavar="FILE", help="what the setting gateway.record made")
    _add_channels(_command(known, "channels", _channels, "channels whose credentials are kept encrypted in the store"))
    _add_conversations(_command(known, "conversations", _conversations, "tickets from the shell"))
    report = _command(known, "report", _report, "the service's figures")
    report.add_argument("--since", default="7d", metavar="AGE", help="conversations that began since, as 12h or 7d")
    report.add_argument("--translations", action="store_true", help="what translating came to, by direction and engine")
    report.add_argument("--format", choices=sorted(FORMATS), default="", help="default: table, or with --json json")
    _command(known, "slack-manifest", _manifest, "the app manifest for the desk, ready to paste")
    admin = _command(known, "admin", _admin, "the console for admins, in the browser")
    ways = admin.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    link = ways.add_parser("link", help="print a link that signs in, once, within 15 minutes")
    link.add_argument("--name", default="", help="who it is for, as the audit says (default: who runs this)")
    _add_common(link, again=True)
    dead = _command(known, "dead", _dead, "what could not be delivered, and why")
    actions = dead.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    listed = actions.add_parser("list", help="list it, oldest first")
    listed.add_argument("--all", action="store_true", help="also events of kinds that this version doesn't know")
    _add_common(listed, again=True)
    for action, told in (("retry", "have the gateway try it again"), ("drop", "forget it for good")):
        one = actions.add_parser(action, help=told)
        one.add_argument("letters", metavar="ID", nargs="+", help="as in the list")
        _add_common(one, again=True)
    return parser


def _add_channels(channels: argparse.ArgumentParser) -> None:
    actions = channels.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    _add_common(actions.add_parser("list", help="list them; what is secret isn't shown"), again=True)
    add = actions.add_parser("add", help="ask for a channel's fields, try them, and keep them")
    add.add_argument("id", metavar="ID", help="its name, used in routes and reports")
    add.add_argument("kind", metavar="KIND", choices=sorted(KINDS), help=", ".join(sorted(KINDS)))
    rotate = actions.add_parser(
        "rotate", help="change a channel's credentials, or with --key what all are encrypted with"
    )
    rotate.add_argument("id", metavar="ID", nargs="?", help="the channel")
    rotate.add_argument("--key", action="store_true", help="encrypt everything with a new key")
    for each in (add, rotate):
        told = "a field; with - for the value it is read from standard input"
        each.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="given", help=told)
        _add_common(each, again=True)
    test = actions.add_parser("test", help="try the credentials")
    test.add_argument("ids", metavar="ID", nargs="*", help="which (default: all)")
    _add_common(test, again=True)
    for name, told in (
        ("pause", "send nothing to a channel's customers for now; what they write still comes"),
        ("resume", "go on with a channel that was paused"),
        ("remove", "forget a channel"),
    ):
        action = actions.add_parser(name, help=told)
        action.add_argument("id", metavar="ID")
        _add_common(action, again=True)


def _add_languages(languages: argparse.ArgumentParser) -> None:
    actions = languages.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    _add_common(actions.add_parser("list", help="list them"), again=True)
    install = actions.add_parser("install", help="fetch both directions between the desk's language and others")
    remove = actions.add_parser("remove", help="remove them")
    mirror = actions.add_parser("mirror", help="make a folder that other machines install from")
    mirror.add_argument("directory", type=Path, metavar="DIR")
    told = "which languages' models (default: those that are installed)"
    mirror.add_argument("languages", metavar="LANG", nargs="*", type=tag, help=told)
    _add_common(mirror, again=True)
    install.add_argument("languages", metavar="LANG", nargs="+", type=tag, help="such as es")
    told = "whose models (default: firefox, and argos where that isn't asked or doesn't work)"
    install.add_argument("--engine", choices=("firefox", "argos"), default="", help=told)
    told = "write how far it is to standard error, as JSON lines"
    install.add_argument("--progress", action="store_true", help=told)
    _add_common(install, again=True)
    remove.add_argument("languages", metavar="LANG", nargs="+", type=tag, help="such as es")
    _add_common(remove, again=True)
    phrases = actions.add_parser("phrases", help="the phrasebook's files")
    does = phrases.add_subparsers(title="actions", required=True, metavar="ACTION", dest="phrases_action")
    checked = does.add_parser("check", help="say what is missing, or doesn't fit the other languages")
    checked.add_argument(
        "directory", type=Path, metavar="DIR", nargs="?", help="default: the phrasebook that comes with it"
    )
    _add_common(checked, again=True)
    memory = actions.add_parser("memory", help="what agents corrected, as TMX for translators' tools")
    what = {"export": "write all corrections", "import": "take translations as corrections"}
    ways = memory.add_subparsers(title="actions", required=True, metavar="ACTION", dest="memory_action")
    for action, help_ in what.items():
        way = ways.add_parser(action, help=help_)
        way.add_argument("file", type=Path, metavar="FILE.tmx")
        _add_common(way, again=True)
    brought = actions.add_parser("import", help="install an Argos package from a file")
    brought.add_argument("file", type=Path, metavar="FILE.argosmodel")
    _add_common(brought, again=True)


def _add_conversations(conversations: argparse.ArgumentParser) -> None:
    actions = conversations.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    listed = actions.add_parser("list", help="list them, newest first")
    states = [state.value for state in Status if state is not Status.NEW]
    listed.add_argument("--status", choices=states, default="", help="only these")
    _add_common(listed, again=True)
    told = {
        "show": "what was said",
        "export": "all that is kept of a customer, as JSON lines",
        "forget": "erase a customer everywhere, and say what was erased",
    }
    for action, does in told.items():
        one = actions.add_parser(action, help=does)
        one.add_argument("which", metavar="CUSTOMER", help="a conversation's number, or a contact as in the list")
        _add_common(one, again=True)


def _command(commands: Any, name: str, do: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=told, description=told[0].upper() + told[1:] + "."
    )
    _add_common(command)
    command.set_defaults(command=do)
    return command


def _add_common(command: argparse.ArgumentParser, *, again: bool = False) -> None:
    """Add what every command takes; `again` for an action, whose command has read it already."""
    unset = argparse.SUPPRESS if again else None
    told = "the configuration (default: $DRAGOMAN_CONFIG, else dragoman.toml)"
    command.add_argument("-c", "--config", type=Path, metavar="FILE", default=unset, help=told)
    command.add_argument("--json", action="store_true", default=unset or False, help="print JSON lines")


def _add_text(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="TEXT", nargs="?", help="the text (default: standard input)")


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


if __name__ == "__main__":
    sys.exit(main())
