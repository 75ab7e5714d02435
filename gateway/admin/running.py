"""The running gateway, as the console sees it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.contract import Channel
from adapters.desk import Desk
from config.settings import Settings
from gateway.checkup import Checkup
from gateway.heard import Heard
from gateway.pauses import Pause
from gateway.retry import Hold
from gateway.store.contract import Beside, Store
from translation.chain import Chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What there is; `problems` says what doesn't work just now, by what it is.

    `paused` are channels by name, `unreadable` are stored channels that can't be used, and `held` what waits for an
    admin. `take_up` puts in force what was changed in the store, as would happen in a moment; `spawn` begins what ends
    with the gateway; `freed` offers what is queued, for a reason that has a name of its own.
    """

    current: Callable[[], Settings]
    key: Callable[[], bytes]
    store: Store
    beside: Beside
    clock: Callable[[], datetime]
    problems: Callable[[], Awaitable[Mapping[str, str]]]
    desk: Desk
    chain: Chain
    channels: Mapping[str, Channel]
    unreadable: Mapping[str, str]
    held: Mapping[str, Hold]
    take_up: Callable[[], Awaitable[None]]
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    freed: Callable[[str], Awaitable[None]]
    checkup: Checkup
    heard: Heard
    paused: Mapping[str, Pause]

    @property
    def settings(self) -> Settings:
        """Give what is in force just now."""
        return self.current()
