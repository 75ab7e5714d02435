"""Slack's one post a second: how many posts the desk's channel may still take."""

import asyncio
from collections.abc import Callable

UPDATE_RATE = 50 / 60
"""Changes of posts a second in the long run, of all channels together: the same page, tier 3."""

RATE = 1.0
"""Posts a second in the long run. https://docs.slack.dev/apis/web-api/rate-limits"""

BURST = 5
"""Posts that may go at once after a quiet time."""

INSTANT = 1e-6
"""Seconds that are none: less than a clock can tell from rounding."""


class Budget:
    """A bucket of posts that fills with time; `clock` gives seconds that never go back.

    `share` says which part of it is this process's, where several post into one channel.
    """

    def __init__(
        self,
        *,
        rate: float = RATE,
        burst: int = BURST,
        clock: Callable[[], float] | None = None,
        share: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._full_rate = rate
        self.share = share
        self._burst = burst
        self.clock = clock or asyncio.get_running_loop().time
        self._left = float(burst)
        self._at = self.clock()
        self._blocked_until = 0.0

    @property
    def _rate(self) -> float:
        return self._full_rate * self.share()

    def wait(self) -> float:
        """Say in how many seconds a post may go."""
        self._fill()
        wait = max((1 - self._left) / self._rate, self._blocked_until - self._at)
        return wait if wait > INSTANT else 0.0

    async def ready(self) -> None:
        """Wait until a post may go."""
        while (wait := self.wait()) > 0:  # noqa: ASYNC110 - the bucket fills by itself
            await asyncio.sleep(wait)

    def spend(self, posts: int = 1) -> None:
        """Note that so many go; fewer than none gives some back."""
        self._fill()
        self._left = min(self._left - posts, self._burst)

    def block(self, seconds: float) -> None:
        """Let nothing go for a while: Slack said so."""
        self._fill()
        self._blocked_until = self._at + seconds
        self._left = min(self._left, 1.0)

    def _fill(self) -> None:
        now = self.clock()
        flowing = max(now - max(self._at, self._blocked_until), 0.0)
        self._left = min(self._burst, self._left + flowing * self._rate)
        self._at = now
