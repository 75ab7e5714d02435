"""The commands' arguments, and what `--help` says of them."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from adapters import KINDS
from gateway.report import FORMATS
from routing.state import Status
from translation.packages import tag

Do = Callable[[argparse.Namespace], int]
"""Does a command, and gives the process's exit status."""


def make_parser(does: Mapping[str, Do]) -> argparse.ArgumentParser:
    """Make what reads the arguments; `does` has each command's function, by its name."""
    parser = argparse.ArgumentParser(
        prog="dragoman",
        description="Customers write in their language, agents answer in theirs.",
        epilog="Exit status: 0 done, 1 it found something wrong, 2 unusable arguments or configuration.",
    )
    known = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _command(known, "run", does["run"], "the gateway; with --json its log is JSON lines")
    demo = _command(known, "demo", does["demo"], "the gateway plus the sandbox, with a page to try it on")
    demo.add_argument("--host", default="127.0.0.1", help="where the page listens (default: 127.0.0.1)")
    demo.add_argument("--port", type=int, default=8080, help="the page's port (default: 8080)")
    first = _command(known, "init", does["init"], "ask a few questions and write a first configuration")
    told = "an answer, such as desk.channel=C0SUPPORT; with - for the value it is read from standard input"
    first.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], dest="given", help=told)
    check = _command(known, "check", does["check"], "ask each platform, store and engine whether it works")
    check.add_argument("--offline", action="store_true", help="only what needs no network")
    translate = _command(known, "translate", does["translate"], "translate one text")
    translate.add_argument("source", metavar="FROM", help="its language, such as es")
    translate.add_argument("target", metavar="TO", help="the language wanted, such as en")
    _add_text(translate)
    _add_languages(
        _command(known, "languages", does["languages"], "translation models: what is there, getting and removing them")
    )
    _add_text(_command(known, "detect", does["detect"], "say which language a text is in"))
    route = _command(known, "route", does["route"], "say who would get a conversation, and why")
    route.add_argument("--language", default="", help="the customer's language, such as es")
    route.add_argument("--text", default="", help="what the customer writes")
    route.add_argument("--skill", default="", help="the skill asked for (default: what the text suggests)")
    route.add_argument("--channel", default="", metavar="ID", help="the channel that they write on")
    backup = _command(known, "backup", does["backup"], "copy a running installation")
    backup.add_argument("directory", type=Path, metavar="DIR", help="a new directory")
    replay = _command(
        known, "replay", does["replay"], "run recorded events through the core again and print what differs"
    )
    replay.add_argument("file", type=Path, metavar="FILE", help="what the setting gateway.record made")
    _add_channels(
        _command(known, "channels", does["channels"], "channels whose credentials are kept encrypted in the store")
    )
    _add_conversations(_command(known, "conversations", does["conversations"], "tickets from the shell"))
    report = _command(known, "report", does["report"], "the service's figures")
    report.add_argument("--since", default="7d", metavar="AGE", help="conversations that began since, as 12h or 7d")
    report.add_argument("--translations", action="store_true", help="what translating came to, by direction and engine")
    report.add_argument("--format", choices=sorted(FORMATS), default="", help="default: table, or with --json json")
    _command(known, "slack-manifest", does["slack-manifest"], "the app manifest for the desk, ready to paste")
    admin = _command(known, "admin", does["admin"], "the console for admins, in the browser")
    ways = admin.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    link = ways.add_parser("link", help="print a link that signs in, once, within 15 minutes")
    link.add_argument("--name", default="", help="who it is for, as the audit says (default: who runs this)")
    _add_common(link, again=True)
    dead = _command(known, "dead", does["dead"], "what could not be delivered, and why")
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


def _command(commands: Any, name: str, do: Do, told: str) -> argparse.ArgumentParser:
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
