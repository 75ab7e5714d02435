"""slack-bolt's own aiohttp server: `bolt.py MODE PORT PLATFORMS_PORT`.

It says what it heard, or with `held` nothing.
"""

import sys

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

mode, port, platforms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
client = AsyncWebClient(token="xoxb-sandbox", base_url=f"http://127.0.0.1:{platforms}/api/")
app = AsyncApp(signing_secret="slack-secret", client=client)


@app.event("message")
async def heard(event, say):
    if mode != "held":
        await say(event["text"])


app.start(port=port, path="/slack/events")
