"""Running one of our commands beside the gateway: what takes long takes another process's time, and ends with ours."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path


async def run_command(file: Path, *arguments: str, tell: Callable[[str], None] | None = None) -> tuple[int, str, str]:
    """Run `dragoman` with a configuration; gives its status and what it said, each line of its errors to `tell` too."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments, "-c", str(file), stdout=pipe, stderr=pipe
    )

    async def heard(stream: asyncio.StreamReader | None) -> str:
        lines = []
        while stream and (line := await stream.readline()):
            lines.append(line.decode(errors="replace"))
            if tell and stream is process.stderr:
                tell(lines[-1].strip())
        return "".join(lines)

    try:
        out, err = await asyncio.gather(heard(process.stdout), heard(process.stderr))
        return await process.wait(), out, err
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
