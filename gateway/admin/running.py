"""The running gateway, as the console sees it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from config.settings import Settings
from gateway.store.contract import Beside, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What there is; `problems` says what doesn't work just now, by what it is."""

    settings: Settings
    store: Store
    beside: Beside
    clock: Callable[[], datetime]
    problems: Callable[[], Awaitable[Mapping[str, str]]]
