"""python-telegram-bot's transport on the client that carries all our calls, and what is uploaded by it."""

import io
import json
from typing import IO, Any

import aiohttp
from telegram.error import NetworkError
from telegram.request import BaseRequest

from adapters.contract import Attachment

OCTETS = "application/octet-stream"


class Form:
    """A call's fields, for calls whose answers are wanted raw."""

    def __init__(self, **fields: Any) -> None:
        self._fields = {name: value for name, value in fields.items() if value is not None}
        self.upload: tuple[str, Attachment, Tally] | None = None

    def data(self) -> aiohttp.FormData | dict[str, str]:
        """Give what is posted."""
        if self.upload is None:
            return self.json_parameters
        field, attachment, tally = self.upload
        form = aiohttp.FormData(self.json_parameters)
        form.add_field(field, tally, filename=attachment.name, content_type=attachment.content.mime or OCTETS)
        return form

    @property
    def json_parameters(self) -> dict[str, str]:
        """The fields as Telegram takes them: what isn't a text as JSON."""
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in self._fields.items()}


class Tally(io.IOBase):
    """A file that counts what was read of it, and stays open when its reader has done."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sent = 0

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        chunk = self._file.read(size)
        self.sent += len(chunk)
        return chunk

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def tell(self) -> int:
        """Say where it stands."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go elsewhere in it."""
        return self._file.seek(offset, whence)

    def fileno(self) -> int:
        """Give what the operating system calls it."""
        return self._file.fileno()


class AiohttpRequest(BaseRequest):
    """The library's transport on the shared client: its own costs ten times as much."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @property
    def read_timeout(self) -> float | None:
        """Seconds an answer may take."""
        return 30

    async def initialize(self) -> None:
        """The client is open already."""

    async def shutdown(self) -> None:
        """The client is closed by who opened it."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: Any = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one call."""
        limit = read_timeout if isinstance(read_timeout, int | float) else self.read_timeout
        data = request_data.data() if isinstance(request_data, Form) else request_data and request_data.json_parameters
        timeout = aiohttp.ClientTimeout(total=limit, sock_connect=10)
        try:
            async with self._session.request(
                method, url, data=data, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status, await response.read()
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(type(error).__name__) from error
