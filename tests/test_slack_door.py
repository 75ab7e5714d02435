"""The console's other door: agents who are named as admins come in by Slack, and nobody else."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from yarl import URL

from config.tables import ConfigError

CLIENT = 'client_id = "910.110"\nclient_secret = "slack-client-secret"\n'
MIA = '[[agents]]\nslack_user_id = "U0MIA"\nname = "Mia"\nadmin = true\n'


@pytest.fixture
async def world(make_world: Callable[..., Awaitable[Any]]) -> Any:
    """Give a world whose desk's app signs people in, and where Mia is an admin."""
    made = await make_world(desk=CLIENT, extra=MIA)
    made.slack.signing_in = "U0MIA"
    return made


async def come_back(world: Any, browser: aiohttp.ClientSession, **changed: str) -> tuple[int, str]:
    """Leave for Slack and come back, with something changed in what Slack says."""
    async with browser.get(f"{world.url}/admin/slack", allow_redirects=False) as left:
        assert left.status == 303
        cookie = left.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "Path=/admin/slack" in cookie
    async with browser.get(left.headers["Location"], allow_redirects=False) as agreed:
        back = URL(agreed.headers["Location"])
    async with browser.get(back.update_query(changed)) as came:
        return came.status, await came.text()


async def test_an_admin_comes_in_by_slack(world: Any, browser: aiohttp.ClientSession) -> None:
    async with browser.get(f"{world.url}/admin/") as out:
        assert out.status == 401
        assert 'href="/admin/slack"' in await out.text()

    status, page = await come_back(world, browser)

    assert (status, "Overview" in page, "Mia" in page) == (200, True, True)


async def test_who_is_no_admin_any_more_is_out(world: Any, browser: aiohttp.ClientSession) -> None:
    await come_back(world, browser)
    await world.stop()
    world.extra = MIA.replace("admin = true\n", "")
    await world.start()

    async with browser.get(f"{world.url}/admin/") as seen:
        assert seen.status == 401


@pytest.mark.parametrize(
    ("agent", "team", "changed", "told"),
    [
        pytest.param("U0BEN", "T0SANDBOX", {}, "U0BEN isn&#39;t named as an admin", id="an agent"),
        pytest.param("U0TOM", "T0SANDBOX", {}, "U0TOM isn&#39;t named as an admin", id="a stranger"),
        pytest.param("U0MIA", "T0OTHER", {}, "another workspace&#39;s member", id="another workspace"),
        pytest.param(
            "U0MIA", "T0SANDBOX", {"state": "forged"}, "wasn&#39;t begun in this browser", id="another's state"
        ),
        pytest.param("U0MIA", "T0SANDBOX", {"code": "stolen"}, "invalid_code", id="a made-up code"),
    ],
)
async def test_nobody_else_comes_in(
    world: Any, browser: aiohttp.ClientSession, agent: str, team: str, changed: dict[str, str], told: str
) -> None:
    world.slack.signing_in, world.slack.team = agent, team

    status, page = await come_back(world, browser, **changed)

    assert (status, told in page) == (403, True)
    async with browser.get(f"{world.url}/admin/") as seen:
        assert seen.status == 401


async def test_a_code_is_worth_nothing_in_another_browser(world: Any, browser: aiohttp.ClientSession) -> None:
    async with browser.get(f"{world.url}/admin/slack", allow_redirects=False) as left:
        way = left.headers["Location"]
    async with browser.get(way, allow_redirects=False) as agreed:
        back = agreed.headers["Location"]

    async with aiohttp.ClientSession() as other, other.get(back) as came:
        assert came.status == 403
        assert "Set-Cookie" not in came.headers


async def test_an_answer_to_another_sign_in_is_refused(world: Any, browser: aiohttp.ClientSession) -> None:
    """A code that somebody else's sign-in was answered with comes with another nonce."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as other:
        async with other.get(f"{world.url}/admin/slack", allow_redirects=False) as left:
            way = left.headers["Location"]
        async with other.get(way, allow_redirects=False) as agreed:
            code = URL(agreed.headers["Location"]).query["code"]

    status, page = await come_back(world, browser, code=code)

    assert (status, "for another sign-in" in page) == (403, True)


async def test_without_its_settings_there_is_no_such_door(
    make_world: Callable[..., Awaitable[Any]], browser: aiohttp.ClientSession
) -> None:
    world = await make_world()

    for path in ("slack", "slack/back?code=x&state=y"):
        async with browser.get(f"{world.url}/admin/{path}") as answer:
            assert answer.status == 404
    async with browser.get(f"{world.url}/admin/") as out:
        assert "/admin/slack" not in await out.text()


async def test_half_of_the_settings_are_an_error(world: Any) -> None:
    world.presence = 'client_id = "910.110"\n'

    with pytest.raises(ConfigError, match=r"desk.client_secret.* is missing: Slack app, Basic Information"):
        world.settings()


async def test_the_console_names_an_admin(world: Any, sign_in: Any, browser: aiohttp.ClientSession) -> None:
    console = await sign_in.console(world, browser)
    form = {"field__slack_user_id": "U0TOM", "field__name": "Tom", "field__capacity": "0", "field__admin": "yes"}
    await console.send("/admin/agents/edit", **form)
    await world.until(lambda: (tom := world.gateway.settings.policy.agent("U0TOM")) and tom.admin and not tom.capacity)
    assert 'value="yes" checked' in (await console.get("/admin/agents/edit?id=U0TOM"))[1]
    await console.send("/admin/agents/edit", id="U0TOM", **{**form, "field__admin": ""})

    await world.until(lambda: not world.gateway.settings.policy.agent("U0TOM").admin)
