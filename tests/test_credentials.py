"""Channels kept encrypted in the store: added, changed and removed beside a running gateway, and never shown."""

import asyncio
import io
import json
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from adapters import KINDS
from adapters.desk import PRESENCE_SCOPE, SCOPES
from config.credentials import Secret, Unreadable, Vault
from config.settings import parse
from config.tables import ConfigError
from gateway.__main__ import main
from gateway.keys import load_key, renew_key
from gateway.live_channels import KIND, seal_channel
from gateway.manifest import manifest
from gateway.settings_book import seal_table
from gateway.store.sqlite.peek import SqliteBeside
from sandbox.whatsapp import WhatsAppSandbox

World = Any
TOKEN = "EAAverysecrettoken"
FIELDS = ("phone_number_id=301", "business_account_id=201", f"access_token={TOKEN}", "app_secret=meta-secret")
PHONE = "46701740605"


def test_a_vault_opens_what_it_sealed_and_nothing_else() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal("wa", {"token": "s3cret"})

    assert vault.open("wa", sealed) == {"token": "s3cret"}
    assert b"s3cret" not in sealed
    assert vault.seal("wa", {"token": "s3cret"}) != sealed
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", b"\x02" + sealed[1:]):
        with pytest.raises(Unreadable):
            vault.open("wa", broken)
    with pytest.raises(Unreadable):
        vault.open("another", sealed)
    with pytest.raises(Unreadable, match="another key"):
        Vault(b"x" * 32).open("wa", sealed)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = load_key(Secret(""), tmp_path)

    assert load_key(Secret(""), tmp_path) == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert load_key(Secret("a key of an admin's own"), tmp_path) != key
    with renew_key(tmp_path) as new:
        assert load_key(Secret(""), tmp_path) == key
    assert load_key(Secret(""), tmp_path) == new != key
    (tmp_path / "key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_key(Secret(""), tmp_path)


def test_a_renewal_of_the_key_that_was_interrupted_is_finished_by_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    file = tmp_path / "dragoman.toml"
    assert init(file, *ANSWERS) == 0
    sealed = seal_channel("t2", {"kind": "telegram", "token": "42:other"}, load_key(Secret(""), make_dir(tmp_path)))
    agent = {"slack_user_id": "U0ZOE", "name": "Zoë"}
    kept = seal_table("agent/U0ZOE", agent, load_key(Secret(""), make_dir(tmp_path)))
    SqliteBeside(tmp_path / "data").write_docs(KIND, {"t2": sealed})
    SqliteBeside(tmp_path / "data").write_docs("setting", {"agent/U0ZOE": kept})
    replace_file = Path.replace
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        main(["channels", "rotate", "--key", "-c", str(file)])
    monkeypatch.setattr(Path, "replace", replace_file)
    assert main(["channels", "list", "-c", str(file)]) == 1

    assert main(["channels", "rotate", "--key", "-c", str(file)]) == 0

    assert main(["channels", "list", "-c", str(file)]) == 0
    assert main(["route", "--language", "fr", "-c", str(file)]) == 0
    assert "Zoë" in capsys.readouterr().out
    assert not (tmp_path / "data" / "key.new").exists()
    assert "42:other" not in "".join(capsys.readouterr())


def make_dir(folder: Path) -> Path:
    (folder / "data").mkdir(exist_ok=True)
    return folder / "data"


@pytest.fixture
async def whatsapp(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> tuple[WhatsAppSandbox, str]:
    sandbox = WhatsAppSandbox(number="301", account="201", access_token=TOKEN, app_secret="meta-secret")
    server = await aiohttp_server(sandbox.app)
    return sandbox, str(server.make_url("")).rstrip("/")


class Shell:
    """Runs commands on a world's configuration, in a thread as they have a loop of their own; keeps all they say."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self._file = world.folder / "dragoman.toml"
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_text(world.text(world._port) + world.extra)
        self._capsys = capsys
        self.said = ""

    async def __call__(self, *arguments: str) -> tuple[int, str]:

        status = await asyncio.to_thread(main, [*arguments, "-c", str(self._file)])
        said = "".join(self._capsys.readouterr())
        self.said += said
        return status, said


@pytest.fixture
def shell(world: World, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(world, capsys)


def sets(base: str, *fields: str) -> list[str]:
    return [part for field in (*fields, f"api_base={base}") for part in ("--set", field)]


async def test_a_channel_is_added_to_a_running_gateway_changed_and_removed(
    world: World, whatsapp: tuple[WhatsAppSandbox, str], shell: Shell, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox, base = whatsapp
    sandbox.webhook = f"{world.url}/webhooks/wa"

    status, said = await shell("channels", "add", "wa", "whatsapp", *sets(base, *FIELDS, "verify_token=verify"))
    assert status == 0, said
    await world.until(lambda: "wa" in world.gateway.channels)
    await world.until(lambda: sandbox.subscribed)
    await sandbox.write(PHONE, "Astrid", "¿Dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.until(lambda: sandbox.texts(PHONE) == ["Llegará el viernes."])

    status, said = await shell("channels", "list")
    assert (status, "access_token is set" in said, "301" in said, "telegram" in said) == (0, True, True, True)
    assert (await shell("channels", "list", "--json"))[0] == 0
    assert (await shell("channels", "test", "wa"))[0] == 0
    assert (await shell("check"))[0] in (0, 1)

    sandbox.access_token = "EAAnewsecrettoken"
    await world.slack.write("U0BEN", "Hello! Let me check.", thread=thread)
    await world.until(lambda: "wa" in world.gateway.bridge.hands.held)
    assert (await shell("channels", "test", "wa"))[0] == 1
    status, said = await shell("channels", "rotate", "wa", "--set", "access_token=EAAnewsecrettoken")
    assert status == 0, said
    await world.until(lambda: len(sandbox.texts(PHONE)) == 2)

    assert (await shell("channels", "rotate", "--key"))[0] == 0
    assert (await shell("channels", "test", "wa"))[0] == 0
    await world.until(lambda: not world.gateway._live.problems and "wa" in world.gateway.channels)

    assert (await shell("channels", "remove", "wa"))[0] == 0
    await world.until(lambda: "wa" not in world.gateway.channels)
    async with aiohttp.ClientSession() as session, session.post(sandbox.webhook, data=b"{}") as answer:
        assert answer.status == 404
    everything = shell.said + caplog.text + str(await metrics(world))
    for secret in (TOKEN, "EAAnewsecrettoken", "meta-secret", "xoxb-sandbox", "slack-secret", "42:sandbox-token"):
        assert secret not in everything


async def metrics(world: World) -> str:
    async with aiohttp.ClientSession() as session:
        said = []
        for path in ("/metrics", "/readyz", "/healthz"):
            async with session.get(world.url + path) as answer:
                said.append(await answer.text())
    return "".join(said)


async def test_what_does_not_work_is_told_and_not_kept(
    world: World, whatsapp: tuple[WhatsAppSandbox, str], shell: Shell
) -> None:
    _, base = whatsapp
    fields = [field.replace(TOKEN, "EAAwrong") for field in FIELDS]

    status, said = await shell("channels", "add", "wa", "whatsapp", *sets(base, *fields, "verify_token=v"))

    assert status == 1
    assert "nothing was changed" in said
    assert "EAAwrong" not in said
    assert "wa " not in (await shell("channels", "list"))[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["channels", "add", "tg", "telegram", "--set", "token=1:x"], "there is a channel tg already"),
        (["channels", "add", "t2", "telegram", "--set", "mode=carrier-pigeon", "--set", "token=1:x"], "must be one of"),
        (["channels", "add", "t2", "telegram", "--set", "tokn=1:x", "--set", "token=1:x"], "did you mean token"),
        (["channels", "add", "t2", "telegram"], "token is missing"),
        (
            ["channels", "add", "t2", "slack", "--set", "bot_token=1:x", "--set", "api_base=http://["],
            "must be an address",
        ),
        (["channels", "add", "t/2", "telegram", "--set", "token=1:x"], "made of letters"),
        (["channels", "add", "t2", "telegram", "--set", "token"], "key=value"),
        (["channels", "remove", "t2"], "there is no channel t2"),
        (["channels", "rotate", "tg"], "change it there"),
        (["channels", "rotate"], "say which channel"),
    ],
)
async def test_a_mistake_is_told(
    world: World, shell: Shell, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    status, said = await shell(*arguments)

    assert status == 2
    assert told in said
    assert "1:x" not in said


async def test_a_secret_can_come_from_standard_input_and_before_the_first_run(
    world: World, whatsapp: tuple[WhatsAppSandbox, str], shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _, base = whatsapp
    shell._file.write_text(shell._file.read_text().replace('data_dir = "data"', f'data_dir = "{tmp_path}/new"'))
    fields = [field for field in FIELDS if "access_token" not in field]
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))

    status, said = await shell(
        "channels", "add", "wa", "whatsapp", *sets(base, *fields, "verify_token=v", "access_token=-")
    )

    assert status == 0, said
    assert TOKEN.encode() not in b"".join(file.read_bytes() for file in (tmp_path / "new").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()} == {0o600}


ANSWERS = (
    "desk.channel=C0SUPPORT",
    "desk.bot_token=xoxb-sandbox",
    "desk.app_token=xapp-sandbox",
    "agent.slack_user_id=U0ANA",
    'agent.name=Ana "Annie"',
    "agent.languages=en, es",
    "channel.token=42:sandbox-token",
)


def init(file: Path, *answers: str) -> int:
    return main(["init", "-c", str(file), *(part for answer in answers for part in ("--set", answer))])


def test_a_first_configuration_is_written_for_its_owner_alone_and_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    file = tmp_path / "dragoman.toml"

    assert init(file, *ANSWERS) == 0
    assert main(["check", "--offline", "-c", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "xoxb-sandbox" not in "".join(capsys.readouterr())
    assert init(file, *ANSWERS) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (ANSWERS[1:], "desk.channel is missing"),
        ((*ANSWERS, "channel.kind=fax"), "channel.kind: must be one of"),
        ((*ANSWERS, "desk.chanel=C1"), "--set desk.chanel: unknown"),
        ((*ANSWERS[1:], "desk.channel=#support"), "must be the channel's id"),
        (ANSWERS[:-1], "channel.token is missing"),
    ],
)
def test_a_mistake_in_a_first_configuration_is_told_and_nothing_is_written(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    answers: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert init(tmp_path / "dragoman.toml", *answers) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "dragoman.toml").exists()


async def test_check_names_the_scopes_that_the_desks_app_lacks(world: World, shell: Shell) -> None:
    assert "desk scopes" in (await shell("check"))[1]
    world.slack.scopes.remove("files:write")

    status, said = await shell("check")

    assert status == 1
    assert "lacks files:write (customers' files don't reach the thread)" in said
    assert "OAuth & Permissions" in said


GUESTS = """
[channels.partners]
kind = "slack"
bot_token = "xoxb-1"
"""
DESK = '[desk]\nchannel = "C0SUPPORT"\nbot_token = "xoxb-1"\n'


@pytest.mark.parametrize(
    ("text", "url", "guests"),
    [
        (DESK + 'app_token = "xapp-1"\n', "", False),
        ("", "", False),
        (
            DESK + 'mode = "http"\nsigning_secret = "s"\n[gateway]\npublic_url = "https://x.example"\n',
            "https://x.example",
            False,
        ),
        (DESK + 'app_token = "xapp-1"\n' + GUESTS, "", True),
        (DESK + 'app_token = "xapp-1"\n' + GUESTS.replace("xoxb-1", "xoxb-2"), "", False),
    ],
)
def test_the_manifest_is_made_for_the_configuration(text: str, url: str, guests: bool) -> None:
    told = json.loads(manifest(parse(text, Path("dragoman.toml"), KINDS, {})))

    settings = told["settings"]
    address = f"{url}/slack/events" if url else None
    assert settings["socket_mode_enabled"] is not bool(url)
    assert settings["event_subscriptions"].get("request_url") == address
    assert settings["interactivity"].get("request_url") == address
    assert told["features"]["slash_commands"][0].get("url") == address
    assert ("message.im" in settings["event_subscriptions"]["bot_events"]) is guests
    assert ("im:history" in told["oauth_config"]["scopes"]["bot"]) is guests


async def test_the_manifest_has_what_the_desk_needs(shell: Shell) -> None:
    status, said = await shell("slack-manifest")
    scopes = json.loads(said)["oauth_config"]["scopes"]["bot"]

    assert status == 0
    assert {*SCOPES, *PRESENCE_SCOPE[:1]} <= set(scopes)
