"""One line a fact: time, level, name, and what belongs to it. Never a customer's words, never a secret."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_SECRET = re.compile(r"bot\d+:[\w-]+|xox[a-z]-[\w-]+|xapp-[\w-]+|EAA\w{20,}|(?<=[?&]access_token=)[^&\s]+")


class Lines(logging.Formatter):
    """Writes records as `key=value`, or as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        fields = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **extra,
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        line = json.dumps(fields, default=str, ensure_ascii=False) if self._json else _spell(fields)
        return _SECRET.sub("…", line)


def _spell(fields: dict[str, object]) -> str:
    trace = fields.pop("trace", None)
    head = f"{fields.pop('at')} {fields.pop('level')!s:<7} {fields.pop('event')}"
    line = " ".join(
        [head, *(f"{key}={json.dumps(value, default=str, ensure_ascii=False)}" for key, value in fields.items())]
    )
    return f"{line}\n{trace}" if trace else line


def set_up(*, as_json: bool, level: int = logging.INFO) -> None:
    """Write to standard error; libraries speak from WARNING on, as some log addresses with tokens in them."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(as_json=as_json))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("dragoman").setLevel(level)
    logging.getLogger("dragoman.bolt").setLevel(logging.ERROR)
