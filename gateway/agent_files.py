"""Agents' files on their way to customers: by the best kind that the platform has, else as a link."""

from contextlib import AsyncExitStack

from adapters.contract import Attaching, Attachment, Channel, Fetching, Outbound, Rejected, Sent, Unauthorised, Unfit
from adapters.media import named
from gateway.links import Links
from routing.contents import File

NO_ACCESS = "Slack doesn't give the app this file"
NO_ACCESS_ADVICE = "An admin adds the scope files:read and installs the app again; until then send a link to the file."


class AgentFiles:
    """Fetches files from the desk and has channels send them."""

    def __init__(self, desk: Fetching, links: Links) -> None:
        self._desk = desk
        self._links = links

    async def send(self, channel: Channel, message: Outbound, file: File) -> Sent:
        """Send one file.

        Raises:
            SendError: as `Channel.send` does.
        """
        async with AsyncExitStack() as stack:
            try:
                content = await stack.enter_async_context(self._desk.fetch(file))
            except Unauthorised as error:
                raise Rejected(NO_ACCESS, NO_ACCESS_ADVICE) from error
            if content.mime == "text/html" != file.mime:
                raise Rejected(NO_ACCESS, NO_ACCESS_ADVICE)
            name = named(file.name, content.mime, file.kind)
            link = self._links.link(file, name)
            why = "this channel takes no files"
            if isinstance(channel, Attaching):
                try:
                    return await channel.attach(message, Attachment(content, name, link))
                except Unfit as error:
                    why = str(error)
        if not link:
            raise Rejected(f"{name}: {why}", "Send a link to it. With gateway.public_url set, Dragoman would.")
        return await channel.send(Outbound(message.peer, f"{name}: {link}", message.order, message.mailbox))
