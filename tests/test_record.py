"""What is recorded is decided again just so, and what the core would do otherwise is told."""

import json
import os
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.__main__ import main
from gateway.record import Difference, Record, Recorder
from gateway.record import replay as run_again
from routing.policy import Agent, Policy
from routing.state import Conversation

World = Any
POLICY = Policy(agents=(Agent(id="U0ANA", name="Ana", languages=("en", "es")), Agent(id="U0BEN", name="Ben")))


@pytest.fixture
async def recorded(make_world: Callable[..., Awaitable[World]]) -> Path:
    """A conversation as a gateway recorded it, with its configuration beside it."""
    world = await make_world(record="recorded.jsonl")
    customer = world.customer()
    await customer.write("Hola, ¿dónde está mi pedido A-1042?")
    thread = await world.thread()
    await world.slack.write("U0ANA", "It is on its way.", thread=thread)
    await world.until(lambda: customer.got())
    await world.slack.write("U0ANA", "!close", thread=thread)
    await customer.write("Gracias")
    await world.settled()
    file: Path = world.folder / "recorded.jsonl"
    (world.folder / "dragoman.toml").write_text(world.text(8080))
    await world.gateway.bridge.stop()
    world.gateway.bridge.worker._recorder.close()
    return file


async def test_a_recorded_conversation_is_decided_again_just_so(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE(os.stat(recorded).st_mode) == 0o600  # noqa: PTH116 - a look at a small file
    config = str(recorded.parent / "dragoman.toml")

    assert main(["replay", str(recorded), "--json", "-c", config]) == 0
    (told,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert told["events"] >= 6
    assert told["differences"] == 0


async def test_what_would_be_decided_otherwise_is_told(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = recorded.parent / "dragoman.toml"
    config.write_text(config.read_text().replace('"U0ANA"', '"U0EVA"').replace('"Ana"', '"Eva"'))

    assert main(["replay", str(recorded), "-c", str(config)]) == 1
    told = capsys.readouterr().out
    assert "what is to be done differs" in told
    assert "U0EVA" in told


def test_what_is_no_recording_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"a": 1}\n')
    example = str(Path(__file__).parent.parent / "config" / "dragoman.example.toml")

    assert main(["replay", str(file), "-c", example]) in (1, 2)
    assert capsys.readouterr().err


def test_a_recording_is_bounded_and_each_file_stands_alone(tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    recorder = Recorder(file, largest=2000)
    was = Conversation(contact="tg/1", name="x" * 100)
    for number in range(40):
        now = replace(was, number=number)
        recorder.write(was, Record(events=(), now=now))
        was = now
    recorder.close()

    files = sorted(tmp_path.iterdir())
    assert [each.name for each in files] == ["recorded.jsonl", "recorded.jsonl.1"]
    for each in files:
        assert each.stat().st_size < 3000
        lines = each.read_bytes().splitlines(keepends=True)
        first = msgspec.json.decode(lines[0], type=Record)
        assert first.was is not None
        found = list(run_again(lines, POLICY))
        assert len([one for one in found if isinstance(one, Difference)]) == len(lines)


def test_a_recording_goes_on_after_a_restart_and_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "recorded.jsonl"
    now = Conversation(contact="tg/1")
    for _ in range(3):
        recorder = Recorder(file)
        recorder.write(now, Record(events=(), now=now))
        recorder.close()
        with file.open("ab") as torn:
            torn.write(b'{"events":[{"type":"Cust')

    with file.open("rb") as lines:
        assert list(run_again(lines, POLICY)) == [0, 0, 0]
    assert [each.name for each in tmp_path.iterdir()] == ["recorded.jsonl"]


def test_a_recording_that_cannot_be_written_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "nowhere" / "recorded.jsonl")

    recorder.write(Conversation(contact="tg/1"), Record(events=(), now=Conversation(contact="tg/1")))
    assert [record.getMessage() for record in caplog.records] == ["record.failed"]
