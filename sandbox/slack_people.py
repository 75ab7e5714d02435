"""What people do in a simulated Slack workspace: write, press, choose, fill in, command."""

from typing import Any
from urllib.parse import urlencode

from sandbox.slack_workspace import SlackWorkspace


class SlackPeople(SlackWorkspace):
    """A workspace whose people may be had do things."""

    async def write(self, user: str, text: str, *, thread: str = "", **more: Any) -> str:
        """Have an agent write; gives the message's ts."""
        ts = self._next_ts()
        message = {"type": "message", "channel": self.channel, "user": user, "text": text, "ts": ts, **more}
        if thread:
            message["thread_ts"] = thread
        self.posts[ts] = message
        self._ring()
        await self.event(message)
        return ts

    async def guest_writes(self, user: str, text: str, *, place: str, **more: Any) -> str:
        """Have a customer write: directly to the app (`D…`), or in a channel; gives the message's ts."""
        self.places.add(place)
        kind = "im" if place.startswith("D") else "channel"
        return await self.write(user, text, channel=place, channel_type=kind, **more)

    async def write_file(
        self, user: str, name: str, content: bytes, *, thread: str, text: str = "", **more: Any
    ) -> str:
        """Have an agent put a file into a thread; gives the message's ts."""
        id_ = f"F{next(self._ids)}"
        self.files[id_] = {"id": id_, "name": name, "content": content}
        said = {"id": id_, "name": name, "mode": "hosted", "size": len(content), "mimetype": more.pop("mimetype", "")}
        url = f"{self.base}/files/{id_}/{name}"
        shown = {**said, "url_private": url, "url_private_download": url}
        return await self.write(user, text, thread=thread, subtype="file_share", files=[shown], **more)

    async def edit(self, ts: str, text: str) -> None:
        """Have an agent change a message."""
        old = self.posts[ts]
        new = {**old, "text": text, "edited": {"user": old["user"], "ts": self._next_ts()}}
        self.posts[ts] = new
        body = {"subtype": "message_changed", "message": new, "previous_message": old}
        await self.event({"type": "message", "channel": old["channel"], "ts": self._next_ts(), "hidden": True, **body})

    async def remove(self, ts: str) -> None:
        """Have an agent delete a message."""
        old = self.posts.pop(ts)
        body = {"subtype": "message_deleted", "deleted_ts": ts, "previous_message": old}
        await self.event({"type": "message", "channel": old["channel"], "ts": self._next_ts(), "hidden": True, **body})

    async def press(self, user: str, action: str, value: str, message: str) -> int:
        """Have an agent press a button; gives the status that Slack would see."""
        post = self.posts[message]
        body = {
            "type": "block_actions",
            "team": {"id": "T0SANDBOX"},
            "api_app_id": "A0SANDBOX",
            "user": {"id": user, "team_id": "T0SANDBOX"},
            "trigger_id": self._trigger(user),
            "container": {
                "type": "message",
                "message_ts": message,
                "channel_id": post["channel"],
                "is_ephemeral": False,
            },
            "channel": {"id": post["channel"]},
            "message": post,
            "actions": [
                {"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": self._next_ts()}
            ],
        }
        return await self._interact(body)

    async def command(self, user: str, text: str) -> int:
        """Have an agent write `/dragoman` and a text; what they are answered is a whisper. Gives the status."""
        body = {
            "command": "/dragoman",
            "text": text,
            "user_id": user,
            "team_id": "T0SANDBOX",
            "channel_id": self.channel,
            "api_app_id": "A0SANDBOX",
            "trigger_id": self._trigger(user),
            "response_url": f"{self.base}/respond/{len(self.whispers)}",
        }
        if self._sockets:
            status, told = await self._send_envelope("slash_commands", body)
        else:
            status, told = await self._post(urlencode(body).encode(), "application/x-www-form-urlencoded")
        if told:
            self.whispers.append({"user": user, **told})
            self._ring()
        return status

    async def open_home(self, user: str) -> None:
        """Have an agent open the app's Home."""
        await self.event({"type": "app_home_opened", "user": user, "channel": f"D{user}", "tab": "home"})

    async def press_in_view(self, user: str, action: str, value: str, *, whisper: int | None = None) -> int:
        """Have an agent press a button of the app's Home, or of a whisper; gives the status that Slack would see."""
        body: dict[str, Any] = {
            "type": "block_actions",
            "team": {"id": "T0SANDBOX"},
            "api_app_id": "A0SANDBOX",
            "user": {"id": user, "team_id": "T0SANDBOX"},
            "trigger_id": self._trigger(user),
            "actions": [
                {"type": "button", "action_id": action, "block_id": "b", "value": value, "action_ts": self._next_ts()}
            ],
        }
        if whisper is None:
            body |= {"container": {"type": "view", "view_id": "V0HOME"}, "view": {"id": "V0HOME", "type": "home"}}
        else:
            place = {"message_ts": self._next_ts(), "channel_id": self.channel, "is_ephemeral": True}
            body |= {
                "container": {"type": "message", **place},
                "channel": {"id": self.channel},
                "response_url": f"{self.base}/respond/{whisper}",
            }
        return await self._interact(body)

    async def choose(self, user: str, callback: str, message: str) -> int:
        """Have an agent choose from a message's menu; gives the status that Slack would see."""
        body = {
            "type": "message_action",
            "callback_id": callback,
            "action_ts": self._next_ts(),
            "team": {"id": "T0SANDBOX"},
            "user": {"id": user},
            "trigger_id": self._trigger(user),
            "channel": {"id": self.posts[message]["channel"], "name": "support"},
            "message_ts": message,
            "message": self.posts[message],
        }
        return await self._interact(body)

    async def submit(self, form: str, words: str = "", **fields: str) -> int:
        """Have an agent fill in an open form, by the fields' names or its one field; gives the status.

        Where Slack is told that something is wrong with it, the form stays open and says so under `errors`.
        """
        (opened,) = [each for each in self.forms if each["id"] == form]
        inputs = [block for block in opened["view"]["blocks"] if block["type"] == "input"]
        values = {}
        for block in inputs:
            said = fields.get(block["block_id"], words if len(inputs) == 1 else None)
            values[block["block_id"]] = {block["element"]["action_id"]: _filled(block["element"], said)}
        body = {
            "type": "view_submission",
            "team": {"id": "T0SANDBOX"},
            "user": {"id": opened["user"]},
            "view": {**opened["view"], "id": form, "state": {"values": values}},
        }
        status, told = await self._interact_for(body)
        opened["errors"] = told.get("errors", {})
        if status == 200 and not opened["errors"]:
            self.dismiss(form)
        self._ring()
        return status

    def dismiss(self, form: str) -> None:
        """Have an agent close a form."""
        self.forms = [each for each in self.forms if each["id"] != form]
        self._ring()


def _filled(element: dict[str, Any], said: str | None) -> dict[str, Any]:
    """Give a field's state: what an agent said, else what stood there."""
    if element["type"] == "static_select":
        chosen = next((each for each in element["options"] if each["value"] == said), element.get("initial_option"))
        return {"type": "static_select", "selected_option": chosen}
    value = element.get("initial_value") if said is None else said
    return {"type": element["type"], "value": value or None}
