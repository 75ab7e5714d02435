"""Reports in the console: the figures of `dragoman report`, as charts and tables."""

import asyncio
from typing import Any


async def test_it_shows_the_figures_of_the_command(console: Any) -> None:
    world = console.world
    (world.folder / "dragoman.toml").write_text(world.text(world._port))
    await world.customer("<b>Ana</b>").write("Hola")
    thread = await world.thread()
    await world.slack.write("U0BEN", "It will arrive on Friday.", thread=thread)
    await world.slack.write("U0BEN", "!claim", thread=thread)
    await world.on_card(thread, "Ben")
    await world.settled()

    status, page = await console.get("/admin/reports?since=1d")
    assert (status, "It is being counted" in page) == (200, True)
    async with asyncio.timeout(20):
        while "It is being counted" in page:
            await asyncio.sleep(0.1)
            _, page = await console.get("/admin/reports/figures?since=1d")

    assert "<title>tg: 1</title>" in page
    assert "<title>Spanish: 1</title>" in page
    assert "Ben" in page
    assert (await console.get("/admin/reports?since=99y"))[0] == 404


async def test_what_goes_wrong_while_it_is_counted_is_shown(console: Any) -> None:
    _, page = await console.get("/admin/reports")
    async with asyncio.timeout(20):
        while "there is no such file" not in page:
            await asyncio.sleep(0.1)
            _, page = await console.get("/admin/reports/figures")

    assert 'class="bad"' in page
