"""What Meta's platforms share: the handshake, the signature, and calls to the Graph API.

https://developers.facebook.com/docs/graph-api/webhooks/getting-started
"""

import contextlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import aiohttp
import msgspec

from adapters.contract import (
    Attachment,
    Failure,
    Forged,
    Question,
    Rejected,
    Request,
    SendError,
    Unauthorised,
    Unavailable,
    Uncertain,
)
from adapters.http import clean, exchange
from config.credentials import Field, Secret, token_field
from config.settings import ChannelSettings

CHALLENGE_LENGTH = 200
OCTETS = "application/octet-stream"
REACH = aiohttp.ClientTimeout(total=5)
UPLOAD = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=60)
MEGABYTE = 1024 * 1024
BUSY = frozenset({4, 17, 32, 613, 80002, 80006, 80007, 130429})
BROKEN = frozenset({1, 2, 1200, 1545133, 131000, 131016, 131057, 133004})
ENDED = 190
"""The code of a token that has ended, was revoked, or never was one."""

CREDENTIALS = frozenset({0, 3, 10, 33, 190, 131005, 131045, 133005, 133006, 133008, 133009, 133010, 133015, 133016})
ACCOUNT = frozenset({368, 130497, 131031, 131037, 131042, 131044, 131064, 134011})


def answer_challenge(request: Request, verify_token: Secret) -> str:
    """Answer the handshake.

    Raises:
        Forged: it isn't one, or its token isn't ours.
    """
    token = request.query.get("hub.verify_token", "")
    known = bool(verify_token) and hmac.compare_digest(token.encode(), verify_token.reveal().encode())
    challenge = request.query.get("hub.challenge", "")
    if request.query.get("hub.mode") != "subscribe" or not known or not challenge:
        raise Forged("this isn't Meta's handshake, or its verify token isn't ours")
    return challenge[:CHALLENGE_LENGTH]


def check_signature(request: Request, app_secret: Secret) -> None:
    """Hold the signature against the bytes as they came: Meta signs those.

    Raises:
        Forged: it is missing or wrong.
    """
    given = request.headers.get("x-hub-signature-256", "")
    digest = hmac.digest(app_secret.reveal().encode(), request.body, "sha256").hex()
    if not app_secret or not hmac.compare_digest(given.encode(), f"sha256={digest}".encode()):
        raise Forged("wrong or missing signature")


Failures = Mapping[tuple[int, int], Failure]
"""A channel's errors by Meta's code and subcode, 0 for any."""


class Graph:
    """One token's calls to the Graph API through the shared client; `failures` go before the common errors."""

    def __init__(
        self, base: str, version: str, token: Secret, session: aiohttp.ClientSession, failures: Failures
    ) -> None:
        self._failures = failures
        self._base = f"{base.rstrip('/')}/{version.strip('/')}"
        self._session = session
        self._headers = {"Authorization": f"Bearer {token.reveal()}", "Content-Type": "application/json"}

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post JSON.

        Raises:
            SendError: what to do next.
        """
        data = msgspec.json.encode(body)
        return await self._make(self._session.post(f"{self._base}/{path}", data=data, headers=self._headers))

    async def upload(self, path: str, fields: Mapping[str, str], name: str, attachment: Attachment) -> str:
        """Upload a file as the form's field `name`; gives the id of it.

        Raises:
            SendError: an upload that broke off did no harm, so it is never Uncertain.
        """
        form = aiohttp.FormData(fields)
        form.add_field(
            name, attachment.content.file, filename=attachment.name, content_type=attachment.content.mime or OCTETS
        )
        headers = {"Authorization": self._headers["Authorization"]}
        try:
            answer = await self._make(
                self._session.post(f"{self._base}/{path}", data=form, headers=headers, timeout=UPLOAD)
            )
        except Uncertain as error:
            raise Unavailable(str(error)) from error
        return clean(answer.get("id") or answer.get("attachment_id"))

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read."""
        return await self._make(self._session.get(f"{self._base}/{path}", params=query, headers=self._headers))

    async def _make(self, call: Any) -> dict[str, Any]:
        status, _, told = await exchange(call, "Meta")
        if told is not None and status < 300 and "error" not in told:
            return told
        error = (told or {}).get("error")
        raise explain(error if isinstance(error, dict) else {}, status, self._failures)


class NotMeta(Rejected):
    """What answered isn't the Graph API, which names an error's code: it says nothing about what was asked."""


def explain(error: Mapping[str, Any], status: int, failures: Failures) -> SendError:
    """Say what an error of the Graph API asks us to do; its code tells, not the status and not the text."""
    code, subcode = error.get("code"), error.get("error_subcode")
    known = failures.get((_int(code), _int(subcode))) or failures.get((_int(code), 0))
    return known.error() if known else _common(code, error, status)


def _common(code: object, error: Mapping[str, Any], status: int) -> SendError:
    said = _said(error) or f"status {status}"
    if isinstance(code, int):
        if code in BUSY or status == 429:
            return Unavailable("Meta asks us to slow down", timedelta(seconds=5))
        if code == 131056:
            return Unavailable("too many messages to this customer in a short time", timedelta(seconds=6))
        if code in CREDENTIALS or 200 <= code <= 299 or status == 401:
            cure = "Make a new access token, and change it." if code == ENDED else "Check the channel's access token."
            return Unauthorised(f"Meta refuses the access token or the number: {said}", cure)
        if code in ACCOUNT:
            return Unauthorised(f"Meta has restricted the account: {said}", "Look at it in Meta's Business Manager.")
        if code in BROKEN or error.get("is_transient") is True:
            return Uncertain(f"Meta had a fault: {said}")
        return Rejected(f"Meta refuses it: {said}")
    if status == 429:
        return Unavailable("Meta asks us to slow down", timedelta(seconds=5))
    if status >= 500 or status < 400:
        return Uncertain(f"Meta answered with status {status} and nothing to read")
    return NotMeta(f"what answered with status {status} isn't Meta", "Check api_base, and any proxy before it.")


def _moment(seconds: object) -> datetime | None:
    """Read a moment; Meta's 0 is never."""
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) and 0 < seconds < 2**33 else None


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0


def _said(error: Mapping[str, Any]) -> str:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return str(details or error.get("message") or error.get("title") or "")[:300].rstrip(".")


APP_ID = Field(
    name="app_id",
    label="App ID",
    where="Meta app dashboard: App settings, Basic",
    help="Tells our own messages from others' answers",
    pattern=r"\d+",
    looks="digits",
)
COMMON_FIELDS = (
    token_field("app_secret", "App secret", where="Meta app dashboard: App settings, Basic"),
    token_field("verify_token", "Verify token", help="Any long text of yours; give Meta the same"),
    Field(name="api_base", label="API address", default="https://graph.facebook.com"),
    Field(name="api_version", label="API version", default="v26.0"),
)
"""What all of Meta's channels are told."""


SUBSCRIBES = "a gateway that runs with gateway.public_url asks for them once an hour"


class MetaChannel:
    """What all of Meta's channels have: the handshake, the signature, and calls with one token, the field `access`.

    `named_by` is the field whose answer says what the channel is, `needed_scopes` are what the token must be allowed,
    `ends_at` is when it ends as far as Meta said, None for never. `subscriptions` is the path of what Meta tells whom.
    """

    subscriptions: str

    named_by: ClassVar[str]
    needed_scopes: ClassVar[tuple[str, ...]] = ()
    waits_for_calls: ClassVar[bool] = True

    def __init__(
        self, settings: ChannelSettings, session: aiohttp.ClientSession, *, access: str, failures: Failures
    ) -> None:
        values, secrets = settings.values, settings.secrets
        self.ends_at: datetime | None = None
        self.concerns: Sequence[str] = ()
        self.id = settings.id
        self._app_secret = secrets["app_secret"]
        self._verify_token = secrets["verify_token"]
        self._access = access
        self._token = secrets[access]
        self._session = session
        self._graph = Graph(values["api_base"], values["api_version"], secrets[access], session, failures)

    def challenge(self, request: Request) -> str:
        """Answer Meta's handshake."""
        return answer_challenge(request, self._verify_token)

    def verify(self, request: Request) -> None:
        """Hold Meta's signature against the body."""
        check_signature(request, self._app_secret)

    async def ask_about(self, account: str, field: str, path: str = "", **query: str) -> dict[str, Any]:
        """Read about what `field` names, with a proof that Meta refuses if it is made with another app's secret.

        Raises:
            SendError: the field, the token or the app secret is wrong; its advice says which.
        """
        proof = hmac.digest(self._app_secret.reveal().encode(), self._token.reveal().encode(), "sha256").hex()
        proven = {"appsecret_proof": proof} if self._app_secret else {}
        try:
            return await self._graph.get(account + path, **proven, **query)
        except NotMeta:
            raise
        except Unauthorised as error:
            error.field = error.field or self._access
            raise
        except Rejected as error:
            if "appsecret_proof" in str(error):
                told = f"app_secret isn't that of the app which {self._access} is for"
                cure = "Copy it from Meta's app dashboard: App settings, Basic."
                raise Unauthorised(told, cure, "app_secret") from error
            told = f"Meta has nothing at {account} that {self._access} may read"
            raise Unauthorised(told, f"Check {field}, and what {self._access} was made for.", field) from error

    def questions(self) -> Sequence[Question]:
        """Give what Meta can be asked about the token itself, and the secret; each channel adds its own."""
        return (
            Question(self._access, (self._access,), self._ask_about_token),
            Question("app_secret", (self._access, "app_secret"), self._ask_about_secret),
        )

    async def probe(self) -> str:
        """Ask all that there is to ask, and give what names the channel.

        Raises:
            SendError: something is wrong; says which field.
        """
        self.concerns = ()
        found = {question.about: await question.ask() for question in self.questions()}
        if unheard := await self._unheard():
            self.concerns = (*self.concerns, unheard)
        return found[self.named_by]

    async def _unheard(self) -> str:
        """Say that Meta tells nobody of messages, "" where it does, or doesn't say: it stops after failures."""
        with contextlib.suppress(SendError):
            told = (await self._graph.get(self.subscriptions)).get("data")
            known = [each for each in told if isinstance(each, dict)] if isinstance(told, list) else None
            if known == []:
                return f"Meta tells nobody of its messages: {SUBSCRIBES}"
            fields = {clean(field) for each in known or () for field in each.get("subscribed_fields") or ()}
            if fields and "messages" not in fields:
                return f"Meta tells of {', '.join(sorted(fields))}, and not of messages: {SUBSCRIBES}"
        return ""

    async def _ask_about_token(self) -> str:
        """Ask what a token may do, and until when; where Meta won't tell, the other questions say whether it works.

        https://developers.facebook.com/docs/graph-api/reference/debug_token/
        """
        try:
            told = (await self._graph.get("debug_token", input_token=self._token.reveal())).get("data")
        except (Rejected, Uncertain, Unavailable):
            return "a token"
        except Unauthorised as error:
            error.field = self._access
            raise
        data = told if isinstance(told, dict) else {}
        if data.get("is_valid") is False:
            why = clean((data.get("error") or {}).get("message")) or "it isn't valid"
            raise Unauthorised(f"{self._access}: Meta says {why}", "Make a new one.", self._access)
        scopes = [clean(each) for each in data.get("scopes") or ()]
        lacking = [scope for scope in self.needed_scopes if scopes and scope not in scopes]
        if lacking:
            told_so = f"{self._access} lacks {', '.join(lacking)}"
            raise Unauthorised(told_so, "Make one that has it.", self._access)
        self.ends_at = _moment(data.get("expires_at"))
        return f"a token that ends on {self.ends_at:%Y-%m-%d}" if self.ends_at else "a token that doesn't end"

    async def _ask_about_secret(self) -> str:
        try:
            await self.ask_about("me", "app_secret", fields="id")
        except SendError as error:
            if error.field == "app_secret":
                raise
            return "not refused"
        return "that of the token's app"

    async def reach(self, url: str) -> None:
        """Shake hands with ourselves by the address that Meta calls, as Meta would."""
        nonce = secrets.token_hex(8)
        query = {"hub.mode": "subscribe", "hub.verify_token": self._verify_token.reveal(), "hub.challenge": nonce}
        try:
            async with self._session.get(url, params=query, timeout=REACH, allow_redirects=False) as answer:
                status, said = answer.status, await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            told = f"{url} can't be reached from here: {type(error).__name__}"
            raise SendError(told, "Check gateway.public_url, and what stands before the gateway.") from error
        if status != 200 or said != nonce:
            told = f"{url} doesn't lead to this gateway: it answers with status {status}"
            raise SendError(told, "Check gateway.public_url, and what stands before the gateway.")
