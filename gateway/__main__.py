"""The commands; the only place that builds things."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from adapters import KINDS
from config.settings import ConfigError, Settings, load
from gateway import logs
from gateway.app import Gateway
from gateway.demo import open_demo
from gateway.store.contract import StoreError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 done, 1 it found something wrong, 2 unusable arguments or configuration."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dragoman", description="Customers write in their language, agents answer in theirs."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = _command(commands, "run", _run, "the gateway")
    run.add_argument("--log-json", action="store_true", help="write the log as JSON lines")
    demo = _command(commands, "demo", _demo, "the gateway plus the sandbox, with a page to try it on")
    demo.add_argument("--host", default="127.0.0.1", help="where the page listens (default: 127.0.0.1)")
    demo.add_argument("--port", type=int, default=8080, help="the page's port (default: 8080)")
    return parser


def _command(commands: Any, name: str, do: Callable[[argparse.Namespace], int], told: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=told, description=told[0].upper() + told[1:] + "."
    )
    command.add_argument(
        "-c",
        "--config",
        type=Path,
        default=Path(os.environ.get("DRAGOMAN_CONFIG", "dragoman.toml")),
        metavar="FILE",
        help="the configuration (default: $DRAGOMAN_CONFIG, else dragoman.toml)",
    )
    command.set_defaults(command=do)
    return command


def _run(options: argparse.Namespace) -> int:
    settings = load(options.config, KINDS)
    logs.set_up(as_json=options.log_json)
    try:
        return _loop(run_gateway(settings))
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1


def _loop(work: Coroutine[Any, Any, int]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _demo(options: argparse.Namespace) -> int:
    logs.set_up(as_json=False, level=logging.WARNING)

    async def run() -> int:
        async with open_demo() as gateway:
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
