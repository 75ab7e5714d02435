"""python-telegram-bot's webhook server: `ptb.py MODE PORT PLATFORMS_PORT`.

It replies what it heard, or with `held` nothing.
"""

import sys

from telegram.ext import Application, MessageHandler, filters

mode, port, platforms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


async def heard(update, context):
    if mode != "held":
        await update.message.reply_text(update.message.text)


app = (
    Application.builder()
    .token("42:sandbox-token")
    .base_url(f"http://127.0.0.1:{platforms}/bot")
    .concurrent_updates(32)
    .connection_pool_size(64)
    .build()
)
app.add_handler(MessageHandler(filters.TEXT, heard))
app.run_webhook(
    listen="127.0.0.1",
    port=port,
    url_path="webhooks/tg",
    secret_token="telegram-secret",
    webhook_url=f"http://127.0.0.1:{port}/webhooks/tg",
)
