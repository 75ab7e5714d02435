"""Whether agents are there, as Slack shows them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from adapters.contract import SendError
from adapters.desk import Desk
from gateway.store.contract import Store
from routing.policy import Policy

EVERY = 60.0
"""Seconds between looks; Slack tells nobody by itself, and answers some 50 questions a minute."""

BETWEEN = 1.3
log = logging.getLogger("dragoman.presence")


async def watch_presence(desk: Desk, store: Store, policy: Policy, freed: Callable[[str], Awaitable[None]]) -> None:
    """Keep up with who is there, until cancelled; one of whom Slack doesn't tell counts as there."""
    while True:
        for agent in policy.agents:
            try:
                there = await desk.is_present(agent.id)
            except SendError as error:
                log.warning("presence.unknown", extra={"agent": agent.id, "error": str(error)})
                there = True
            if store.set_present(agent.id, present=there) and there:
                await freed(f"present:{agent.id}")
            await asyncio.sleep(BETWEEN)
        await asyncio.sleep(EVERY)
