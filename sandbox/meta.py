"""What Meta's simulated platforms share: signed webhooks as Meta writes them, and its refusals."""

import hashlib
import hmac
import json
import re
from typing import Any

import aiohttp
from aiohttp import web


def write(body: Any) -> bytes:
    """Write JSON as Meta does: ASCII with lower-case escapes, and escaped slashes."""
    return json.dumps(body, separators=(",", ":")).replace("/", r"\/").encode()


async def post_signed(url: str, body: bytes, app_secret: str, signature: str | None = None) -> int:
    """Post a webhook as it is, signed unless a signature is given; gives the status."""
    digest = hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": signature or f"sha256={digest}"}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as answer:
        return answer.status


def refuse(code: int, message: str, *, status: int = 400, subcode: int = 0) -> web.Response:
    """Answer as the Graph API does when it won't."""
    error: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A0"}
    if subcode:
        error["error_subcode"] = subcode
    return web.json_response({"error": error}, status=status)


def refused_proof(http: web.Request, token: str, app_secret: str) -> web.Response | None:
    """Refuse a proof that isn't made of the token and the app secret."""
    proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
    if http.query.get("appsecret_proof", proof) != proof:
        return refuse(100, "Invalid appsecret_proof provided in the API argument")
    return None


def refused_token(http: web.Request, token: str, *, expired: bool = False) -> web.Response | None:
    """Refuse a call with another token, or one that has ended."""
    if expired:
        told = "Error validating access token: Session has expired on Friday, 20-Nov-26 09:00:00 PST."
        return refuse(190, told, status=401, subcode=463)
    given = http.headers.get("Authorization", "")
    if not re.fullmatch(rf"Bearer {re.escape(token)}", given):
        return refuse(190, "Invalid OAuth access token", status=401)
    return None
