"""Sign in with Slack: who somebody is, by OpenID Connect.

https://docs.slack.dev/authentication/sign-in-with-slack/
"""

import base64
import hmac
from dataclasses import dataclass

import aiohttp
import msgspec
from yarl import URL

from adapters.contract import SendError, Unauthorised
from adapters.slack_api import SlackApi, call_with_form
from config.credentials import Secret

TEAM, USER = "https://slack.com/team_id", "https://slack.com/user_id"
CURE = "Check desk.client_id, desk.client_secret, and the app's redirect URL under OAuth & Permissions."


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSignIn:
    """Asks Slack who somebody is; `back` is where Slack sends them with its answer."""

    client_id: str
    client_secret: Secret
    bot_token: Secret
    api_base: str
    back: str

    def address(self, state: str, nonce: str) -> str:
        """Give where they say to Slack that we may know; `state` and `nonce` come back."""
        base = URL(self.api_base.removesuffix("api/"))
        asked = {"response_type": "code", "scope": "openid profile", "client_id": self.client_id, "state": state}
        return str((base / "openid/connect/authorize") % {**asked, "nonce": nonce, "redirect_uri": self.back})

    async def who(self, code: str, nonce: str, session: aiohttp.ClientSession) -> str:
        """Give the id of the member of the desk's workspace who came back with `code`.

        What Slack answers to us directly needs no signature of its own (OpenID Connect Core 3.1.3.7).

        Raises:
            SendError: Slack doesn't say, or they are of another workspace.
        """
        told = await call_with_form(
            self.api_base,
            "openid.connect.token",
            session,
            client_id=self.client_id,
            client_secret=self.client_secret.reveal(),
            code=code,
            redirect_uri=self.back,
        )
        claims = _claims(str(told.get("id_token", "")))
        ours_again = hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())
        if claims.get("aud") != self.client_id or not ours_again:
            raise Unauthorised("Slack's answer is for another sign-in", "Sign in again.")
        ours = await SlackApi(self.api_base, self.bot_token, session).call("auth.test")
        if claims.get(TEAM) != ours.get("team_id"):
            raise Unauthorised("this is another workspace's member", f"Sign in to {ours.get('team', 'the desk')}.")
        return str(claims.get(USER, ""))


def _claims(token: str) -> dict[str, object]:
    """Read what a JSON Web Token says."""
    try:
        body = token.split(".")[1]
        return msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=dict[str, object])
    except (IndexError, ValueError, msgspec.DecodeError) as error:
        raise SendError("Slack's answer can't be read", CURE) from error
