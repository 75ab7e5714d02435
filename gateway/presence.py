"""Whether agents are there, as Slack shows them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.contract import SendError
from adapters.desk import Desk
from gateway.rules import Rules
from gateway.store.contract import Store

EVERY = 60.0
"""Seconds between looks; Slack tells nobody by itself, and answers some 50 questions a minute."""

BETWEEN = 1.3
log = logging.getLogger("dragoman.presence")


async def watch_presence(
    desk: Desk, store: Store, rules: Rules, freed: Callable[[str], Awaitable[None]], wanted: Callable[[], bool]
) -> None:
    """Keep up with who is there while that is wanted, until cancelled; whom Slack doesn't tell of counts as there."""
    while True:
        for agent in rules.policy.agents:
            there = await _is_there(desk, agent.id) if wanted() else True
            if store.set_present(agent.id, present=there) and there:
                await freed(f"present:{agent.id}")
            await asyncio.sleep(BETWEEN if wanted() else 0)
        await asyncio.sleep(EVERY if wanted() else BETWEEN)


async def _is_there(desk: Desk, agent: str) -> bool:
    try:
        return await desk.is_present(agent)
    except SendError as error:
        log.warning("presence.unknown", extra={"agent": agent, "error": str(error)})
        return True
