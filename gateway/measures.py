"""What /metrics counts. Names follow https://prometheus.io/docs/practices/naming/"""

from functools import lru_cache

from prometheus_client import Counter, Gauge, Summary

RECEIVED = Counter("dragoman_events_received_total", "Events taken, by channel and kind.", ["channel", "kind"])
REFUSED = Counter("dragoman_calls_refused_total", "Calls refused, by channel and HTTP status.", ["channel", "status"])
SENT = Counter("dragoman_messages_sent_total", "Calls to platforms, by channel and outcome.", ["channel", "outcome"])
DIRECTION = ["engine", "source", "target"]
TRANSLATED = Counter(
    "dragoman_translations_total", "Translations, by engine, direction and outcome.", [*DIRECTION, "outcome"]
)
TOOK = Summary("dragoman_translation_seconds", "How long engines took, by engine and direction.", DIRECTION)
CHARACTERS = Counter("dragoman_translation_characters_total", "Characters given to engines, by engine.", ["engine"])
WAITING = Gauge("dragoman_waiting", "What waits: events, parked replies, orders by side.", ["what"])
OLDEST = Gauge("dragoman_oldest_waiting_seconds", "For how long the oldest order of a side has waited.", ["side"])
KEPT = Gauge("dragoman_kept", "What was set aside or couldn't be delivered.", ["what"])


@lru_cache(maxsize=1024)
def _of(counter: Counter, *labels: str) -> Counter:
    return counter.labels(*labels)


def count(counter: Counter, *labels: str, by: int = 1) -> None:
    """Add to a counter; looking labels up costs more than counting."""
    _of(counter, *labels).inc(by)
