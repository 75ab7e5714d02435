"""The commands: what they print, and how they end."""

import asyncio
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from gateway.__main__ import main
from gateway.store.contract import Result, Side, Step
from gateway.store.sqlite import SqliteStore
from routing.conversation import Status
from routing.effects import TellCustomer
from routing.events import CustomerWrote, Unrecognised
from sandbox.slack import SlackSandbox
from sandbox.telegram import TelegramSandbox

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "config" / "dragoman.example.toml"
BOT_TOKEN = "xoxb-sandbox"
CONFIGURATION = """
[gateway]
port = 0
[channels.tg]
kind = "telegram"
token = "42:sandbox"
api_base = "{telegram}"
[desk]
channel = "C0SUPPORT"
bot_token = "{bot_token}"
app_token = "xapp-sandbox"
api_base = "{slack}/api/"
[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
languages = ["en", "es"]
capacity = 1
[[agents]]
slack_user_id = "U0BEN"
name = "Ben"
[translation]
engines = ["phrasebook"]
[[routing.skills]]
name = "billing"
keywords.es = ["factura"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, "http://127.0.0.1:9", "http://127.0.0.1:9")


def write(folder: Path, telegram: str, slack: str, bot_token: str = BOT_TOKEN) -> Path:
    file = folder / "dragoman.toml"
    file.write_text(CONFIGURATION.format(telegram=telegram, slack=slack, bot_token=bot_token))
    return file


@pytest.fixture
async def platforms(aiohttp_server: Callable[..., Awaitable[TestServer]]) -> tuple[str, str]:
    telegram = await aiohttp_server(TelegramSandbox("42:sandbox").app)
    slack = await aiohttp_server(SlackSandbox("xoxb-sandbox", "C0SUPPORT", app_token="xapp-sandbox").app)
    return str(telegram.make_url("")).rstrip("/"), str(slack.make_url("")).rstrip("/")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    "command",
    [
        "run",
        "demo",
        "init",
        "check",
        "channels",
        "conversations",
        "report",
        "slack-manifest",
        "translate",
        "detect",
        "route",
        "backup",
        "dead",
        "replay",
    ],
)
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])

    assert end.value.code == 0
    assert "--config" in (told := capsys.readouterr().out)
    assert "--json" in told


@pytest.mark.parametrize(
    "arguments", [[], ["nonsense"], ["translate", "es"], ["backup"], ["check", "--nonsense"], ["dead"]]
)
def test_unusable_arguments_end_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)

    assert end.value.code == 2


def test_an_unusable_configuration_ends_with_2_and_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(file.read_text().replace("token =", "tokne =", 1))

    assert main(["check", "-c", str(file)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "did you mean token?" in told


def test_the_configuration_may_come_from_the_environment(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAGOMAN_CONFIG", str(file))

    assert main(["check", "--offline"]) == 0
    assert str(file) in capsys.readouterr().out


def test_check_offline_needs_no_network(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--offline", "--json", "-c", str(file)]) == 0

    said = lines(capsys)
    assert [each["what"] for each in said] == ["configuration", "data_dir", "engine phrasebook", "languages"]
    assert all(each["works"] for each in said)
    assert "Spanish" in said[-1]["found"]


def test_an_engine_that_was_asked_for_and_is_not_there_is_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = file.read_text()
    file.write_text(asked.replace('["phrasebook"]', '["phrasebook", "libretranslate", "argos"]'))
    assert main(["check", "--offline", "-c", str(file)]) == 1
    assert "FAIL  engine argos" in capsys.readouterr().out
    file.write_text(asked.replace('engines = ["phrasebook"]', ""))
    assert main(["check", "--offline", "-c", str(file)]) == 0
    assert "-     engine argos" in capsys.readouterr().out


async def test_check_asks_every_platform(
    tmp_path: Path, platforms: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, *platforms)

    assert await asyncio.to_thread(main, ["check", "-c", str(file)]) == 0
    told = capsys.readouterr().out
    assert re.search(r"ok +desk +Sandbox #support as dragoman", told)
    assert re.search(r"ok +channels\.tg +@shop_bot", told)


async def test_check_names_a_redis_that_would_lose_messages_and_a_key_that_is_not_shared(
    tmp_path: Path, redis: str, platforms: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, *platforms)
    plain = file.read_text()
    file.write_text(plain.replace("port = 0", f'port = 0\nstore = "{redis}"'))
    assert await asyncio.to_thread(main, ["check", "-c", str(file)]) == 1
    told = capsys.readouterr().out
    assert re.search(r"FAIL +store .*writes no log.*Set appendonly yes\.", told)
    assert re.search(r"FAIL +key .*Set gateway\.key", told)
    assert re.search(r"ok +channels\.tg", told)

    file.write_text(plain.replace("port = 0", 'port = 0\nstore = "redis://:hidden@127.0.0.1:1"'))
    assert await asyncio.to_thread(main, ["check", "-c", str(file)]) == 1
    told = capsys.readouterr().out
    assert re.search(r"FAIL +store .*127\.0\.0\.1:1 can't be used", told)
    assert "hidden" not in told


async def test_check_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, platforms: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, platforms[0], platforms[1], bot_token="xoxb-wrong")

    assert await asyncio.to_thread(main, ["check", "--json", "-c", str(file)]) == 1
    desk = next(each for each in lines(capsys) if each["what"] == "desk")
    assert not desk["works"]
    assert "invalid_auth" in desk["found"]
    assert "bot token" in desk["advice"]
    assert "xoxb-wrong" not in json.dumps(desk)


async def test_check_tries_the_app_token_too(
    tmp_path: Path, platforms: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, *platforms)
    file.write_text(file.read_text().replace("xapp-sandbox", "xapp-wrong"))

    assert await asyncio.to_thread(main, ["check", "-c", str(file)]) == 1
    assert "connections:write" in capsys.readouterr().out


def test_check_of_unreachable_platforms(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(file)]) == 1

    assert "FAIL  desk" in (told := capsys.readouterr().out)
    assert "FAIL  channels.tg" in told


def test_translate(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["translate", "es", "en", "¿Dónde está mi pedido A-1042?", "-c", str(file)]) == 0
    assert capsys.readouterr().out == "Where is my order A-1042?\n"
    assert main(["translate", "es", "en", "Mi tortuga duerme", "-c", str(file)]) == 1
    told = capsys.readouterr()
    assert (told.out, "not translated" in told.err) == ("", True)
    assert main(["translate", "es", "en", "hola", "--json", "-c", str(file)]) == 0
    assert lines(capsys)[0]["engine"] == "phrasebook"


def test_translate_reads_standard_input(file: Path) -> None:
    command = [sys.executable, "-m", "gateway", "translate", "en", "de", "-c", str(file)]
    done = subprocess.run(command, input="Thank you!\n", capture_output=True, text=True, cwd=ROOT, check=True)

    assert done.stdout == "Danke!\n"


def test_detect(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["detect", "¿Dónde está mi pedido?"]) == 0
    assert capsys.readouterr().out.startswith("es  Spanish")
    assert main(["detect", "12345"]) == 1
    capsys.readouterr()
    assert main(["detect", "--json", "Wo ist meine Bestellung?"]) == 0
    assert lines(capsys)[0]["language"] == "de"


def test_route_says_who_and_why(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", "--language", "es", "--text", "hola", "-c", str(file)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("Ana  (skill general)\n")
    assert "+ Ana: speaks es" in told
    assert "+ Ben: through translation" in told
    assert main(["route", "--text", "¿Dónde está mi factura?", "--json", "-c", str(file)]) == 0
    said = lines(capsys)
    assert (said[0]["agent"], said[0]["skill"]) == ("", "billing")
    assert "lacks the skill billing" in said[1]["why"]
    assert main(["route", "--channel", "nope", "-c", str(file)]) == 2


async def opened(folder: Path, work: Any) -> None:
    """Do something in a store that holds one open conversation of Ana's."""
    store = SqliteStore(folder / "data")
    await store.open()
    at = datetime(2026, 11, 24, 12, tzinfo=UTC)
    await store.append([CustomerWrote(id="e", to="tg/1", at=at, message="1", text="hola")])
    claim = await store.claim()
    conversation = replace(claim.conversation, number=1, status=Status.OPEN, assignee="U0ANA")
    await store.commit(claim, Step(conversation=conversation, events=claim.events))
    await work()
    await store.close()


async def test_route_knows_the_load_of_a_running_gateway(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async def look() -> None:
        assert await asyncio.to_thread(main, ["route", "--language", "es", "-c", str(file)]) == 0

    await opened(file.parent, look)
    assert capsys.readouterr().out.startswith("Ben")


async def test_backup_copies_a_running_installation(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "copy"

    async def copy() -> None:
        assert await asyncio.to_thread(main, ["backup", str(target), "-c", str(file)]) == 0

    await opened(file.parent, copy)
    assert {each.name for each in target.iterdir()} == {"dragoman.db", "dragoman.toml"}
    db = sqlite3.connect(target / "dragoman.db")
    assert db.execute("SELECT count(*) FROM conversation").fetchone() == (1,)
    db.close()
    assert (target.stat().st_mode & 0o777, (target / "dragoman.db").stat().st_mode & 0o777) == (0o700, 0o600)
    capsys.readouterr()
    assert main(["backup", str(target), "-c", str(file)]) == 1
    assert "isn't empty" in capsys.readouterr().err


def test_backup_of_nothing_says_so(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup", str(tmp_path / "copy"), "-c", str(file)]) == 1
    assert "nothing to copy" in capsys.readouterr().err


async def test_dead_letters_are_listed_tried_again_and_dropped(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = SqliteStore(file.parent / "data")
    await store.open()
    told = [CustomerWrote(id=f"e{n}", to=f"tg/{n}", at=datetime.now(UTC), message=str(n), text="Hola") for n in (1, 2)]
    await store.append(told)
    await store.set_aside(await store.claim(), "ValueError while deciding")
    claim = await store.claim()
    effects = tuple((5, TellCustomer(text=text, reply=text)) for text in ("one", "two"))
    await store.commit(claim, Step(conversation=replace(claim.conversation, number=5), effects=effects))
    batch = await store.take(Side.CUSTOMER)
    for order in batch.orders:
        await store.settle(batch, Result(orders=(order.id,), dead="the customer blocked us"))
    store.leave(batch)
    assert (store.stats().aside, store.stats().dead) == (1, 2)

    listed = await command("dead", "list", "--json", "-c", str(file))
    assert listed == 0
    letters = {letter["text"]: letter for letter in lines(capsys)}
    assert letters["one"]["reason"] == "the customer blocked us"
    assert (letters["one"]["number"], letters["one"]["contact"], letters["one"]["what"]) == (5, "tg/2", "TellCustomer")
    assert letters["Hola"]["reason"] == "ValueError while deciding"
    assert await command("dead", "retry", letters["Hola"]["id"], letters["one"]["id"], "-c", str(file)) == 0
    assert await command("dead", "drop", letters["two"]["id"], "-c", str(file)) == 0

    async with asyncio.timeout(10):
        again = await store.take(Side.CUSTOMER)
        revived = await store.claim()
    assert [order.effect for order in again.orders] == [TellCustomer(text="one", reply="one")]
    assert again.orders[0].id != batch.orders[0].id
    assert revived.events == (told[0],)
    assert (store.stats().aside, store.stats().dead) == (0, 0)
    await store.close()
    capsys.readouterr()
    assert await command("dead", "list", "-c", str(file)) == 0
    assert capsys.readouterr().out == ""


async def test_what_is_wanted_again_while_nothing_runs_comes_at_the_next_start(file: Path) -> None:
    store = SqliteStore(file.parent / "data")
    await store.open()
    await store.append([CustomerWrote(id="e1", to="tg/1", at=datetime.now(UTC), message="1", text="Hola")])
    await store.set_aside(await store.claim(), "ValueError while deciding")
    await store.close()
    assert await command("dead", "retry", "a1", "-c", str(file)) == 0
    again = SqliteStore(file.parent / "data")
    await again.open()
    async with asyncio.timeout(10):
        assert [event.id for event in (await again.claim()).events] == ["e1"]
    await again.close()


@pytest.mark.parametrize("letter", ["d99", "a1", "nonsense", ""])
async def test_a_letter_that_is_not_there_is_named(letter: str, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = SqliteStore(file.parent / "data")
    await store.open()
    await store.append([Unrecognised(id="u1", to="", at=datetime.now(UTC), kind="poll", body="{}")])
    await store.close()

    assert await command("dead", "retry", letter, "-c", str(file)) == 1
    assert "dragoman dead list" in capsys.readouterr().out
    assert await command("dead", "list", "--all", "-c", str(file)) == 0
    assert "unknown kind" in capsys.readouterr().out


async def command(*arguments: str) -> int:
    return await asyncio.to_thread(main, arguments)


async def test_the_gateway_starts_serves_and_stops_within_10_seconds(
    tmp_path: Path, platforms: tuple[str, str]
) -> None:
    file = write(tmp_path, *platforms)
    ended = await asyncio.to_thread(start_and_stop, file)

    assert ended < 10


def test_the_gateway_stops_also_while_no_platform_can_be_reached(file: Path) -> None:
    assert start_and_stop(file) < 10


def start_and_stop(file: Path) -> float:
    command = [sys.executable, "-m", "gateway", "run", "-c", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert "http://127.0.0.1:" in process.stdout.readline()
        before = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
        return time.monotonic() - before


def test_a_data_directory_that_cannot_be_used_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "data").write_text("in the way")

    assert main(["run", "-c", str(file)]) == 1
    assert "data_dir" in capsys.readouterr().err
    assert main(["check", "--offline", "-c", str(file)]) == 1
    assert "FAIL  data_dir" in capsys.readouterr().out


def test_the_example_is_a_configuration_and_names_every_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = EXAMPLE.read_text()
    for name in re.findall(r"\$\{([A-Z_]+)\}", text):
        monkeypatch.setenv(name, "x:y")
    everything = re.sub(r"^# (?=\[|[\w.]+ = )", "", text, flags=re.MULTILINE).replace('public_url = ""', "")
    for number, version in enumerate((text, everything)):
        copy = tmp_path / f"{number}.toml"
        copy.write_text(version.replace('signing_secret = ""', 'signing_secret = "x"'))
        assert main(["check", "--offline", "-c", str(copy)]) <= number, capsys.readouterr()
    assert {"gateway", "channels", "desk", "agents", "translation", "routing", "replies"} == set(
        tomllib.loads(everything)
    )


def test_the_installed_command_is_dragoman() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "dragoman", "--help"], capture_output=True, text=True, check=True, env=os.environ
    )

    assert "agents answer in theirs" in done.stdout
