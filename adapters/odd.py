"""What a platform sends that we don't understand: kept as it came, and worked on by nobody."""

from datetime import datetime
from hashlib import blake2b

import msgspec

from adapters.http import clean
from routing.events import Unrecognised

ELSEWHERE = "for another account"
"""What the kind of something ends with that is another account's of the same app: perhaps another channel has it."""

LONGEST_KIND = 80
LONGEST_BODY = 20_000


def unrecognised(channel: str, kind: str, body: object, at: datetime, *, name: str = "") -> Unrecognised:
    """Keep something for inspection; without a `name` it is named by what it says, the same when it comes again."""
    try:
        text = msgspec.json.encode(body, enc_hook=str).decode()
    except (TypeError, ValueError, UnicodeEncodeError):
        text = repr(body)
    name = name or "odd:" + blake2b(text.encode(errors="replace"), digest_size=12).hexdigest()
    return Unrecognised(
        id=f"{channel}:{name}", to="", at=at, kind=clean(kind)[:LONGEST_KIND], body=clean(text)[:LONGEST_BODY]
    )
