"""Files both ways: fetched from where they may be, shown as what they are, sent by the best kind or as a link."""

import contextlib
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from adapters.contract import Rejected
from adapters.media import Hosts, fetch

World = Any
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 200
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 200
OGG = b"OggS\x00\x02" + b"\x00" * 20 + b"OpusHead" + b"\x00" * 100
PDF = b"%PDF-1.7\n" + b"x" * 200
EXE = b"MZ\x90\x00" + b"\x00" * 200


def test_where_files_may_come_from_and_where_a_token_goes() -> None:
    hosts = Hosts(
        URL("https://graph.facebook.com"), media=("fbcdn.net",), trusted=("fbsbx.com",), headers={"Authorization": "x"}
    )
    told = {
        "https://graph.facebook.com/v26.0/1": (True, True),
        "https://lookaside.fbsbx.com/a": (True, True),
        "https://scontent.xx.fbcdn.net/a": (True, False),
        "http://scontent.xx.fbcdn.net/a": (False, False),
        "https://fbcdn.net.evil.example/a": (False, False),
        "https://evilfbcdn.net/a": (False, False),
        "https://169.254.169.254/latest": (False, False),
        "file:///etc/passwd": (False, False),
        "https://graph.facebook.com:8443/a": (False, False),
    }

    assert {url: (hosts.may(URL(url)), bool(hosts.headers_for(URL(url)))) for url in told} == told


async def test_a_redirect_to_another_host_is_not_followed(aiohttp_server: Any) -> None:
    async def elsewhere(http: web.Request) -> web.Response:
        raise web.HTTPFound("https://evil.example/a")

    app = web.Application()
    app.router.add_get("/a", elsewhere)
    base = (await aiohttp_server(app)).make_url("/a")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Rejected, match=r"evil\.example"):
            async with fetch(session, str(base), Hosts(base.origin())):
                pass


async def test_what_is_larger_than_it_may_be_is_not_read_to_its_end(aiohttp_server: Any) -> None:
    async def endless(http: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(http)
        with contextlib.suppress(ConnectionError):
            while True:
                await answer.write(b"x" * 65536)
        return answer

    app = web.Application()
    app.router.add_get("/a", endless)
    base = (await aiohttp_server(app)).make_url("/a")
    async with aiohttp.ClientSession() as session:
        with pytest.raises(Rejected, match="larger than 1 MB"):
            async with fetch(session, str(base), Hosts(base.origin()), most=1024 * 1024):
                pass


def posted(world: World, thread: str) -> list[dict[str, Any]]:
    """Give the posts that show files."""
    return [post for post in world.slack.replies(thread) if post.get("subtype") == "file_share" and "bot_id" in post]


def shown(world: World, post: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(file["name"], world.slack.files[file["id"]]["content"]) for file in post["files"]]


async def test_a_customers_photo_stands_in_the_thread_its_caption_translated(world: World) -> None:
    file = world.telegram.add_file(JPEG)
    photo = [{"file_id": "small"}, {"file_id": file, "file_size": len(JPEG)}]
    await world.customer().send(photo=photo, caption="¿Dónde está mi pedido A-1042?")
    thread = await world.thread()

    await world.shown(thread, "Where is my order A-1042?")
    (post,) = await world.until(lambda: posted(world, thread))
    assert shown(world, post) == [("photo.jpg", JPEG)]


async def test_files_alone_are_one_post_that_says_what_they_are(world: World) -> None:
    file = world.telegram.add_file(OGG)
    await world.customer().send(voice={"file_id": file, "duration": 12})
    thread = await world.thread()

    (post,) = await world.until(lambda: posted(world, thread))

    assert post["text"] == "*Lucía:* [voice message 0:12]"
    assert shown(world, post) == [("voice.ogg", OGG)]
    assert len(world.slack.replies(thread)) == 1


async def test_an_album_is_one_post_and_what_follows_waits_no_longer(world: World) -> None:
    customer = world.customer()
    for content in (JPEG, PNG, JPEG):
        photo = [{"file_id": world.telegram.add_file(content)}]
        await customer.send(photo=photo, media_group_id="album-1")
    await customer.write("Hello there")
    thread = await world.thread()

    await world.shown(thread, "Hello there")

    (post,) = posted(world, thread)
    assert shown(world, post) == [("photo.jpg", JPEG), ("photo.png", PNG), ("photo.jpg", JPEG)]


async def test_an_album_with_a_lost_part_shows_the_others_and_says_so(world: World) -> None:
    customer = world.customer()
    for id_ in (world.telegram.add_file(JPEG), "gone"):
        await customer.send(photo=[{"file_id": id_}], media_group_id="album-1")
    thread = await world.thread()

    (post,) = await world.until(lambda: posted(world, thread))

    assert shown(world, post) == [("photo.jpg", JPEG)]
    assert "1 of its files can't be shown: Telegram refuses it" in post["text"]


async def test_what_a_file_is_decides_its_name(world: World) -> None:
    file = world.telegram.add_file(EXE)
    await world.customer().send(
        document={"file_id": file, "file_name": "../../invoice.pdf", "mime_type": "application/pdf"}
    )
    thread = await world.thread()

    (post,) = await world.until(lambda: posted(world, thread))

    assert shown(world, post) == [("invoice.pdf.exe", EXE)]


async def test_a_file_that_cannot_be_had_is_told_and_holds_up_nothing(world: World) -> None:
    customer = world.customer()
    await customer.send(document={"file_id": "gone", "file_name": "bill.pdf"}, caption="My bill, please look")
    await customer.write("Are you there?")
    thread = await world.thread()

    await world.shown(thread, "Are you there?")

    await world.shown(thread, "can't be shown")
    assert not posted(world, thread)


async def test_a_publication_that_broke_off_is_not_repeated(world: World) -> None:
    world.slack.drop_after = {"files.completeUploadExternal"}
    await world.customer().send(voice={"file_id": world.telegram.add_file(OGG), "duration": 12})
    thread = await world.thread()
    await world.customer().write("Hello there")

    await world.shown(thread, "Hello there")

    assert len(posted(world, thread)) == 1


async def test_a_search_that_fails_leaves_it_open_whether_files_were_posted(world: World) -> None:
    asked: list[str] = []

    def fault(method: str, _: dict[str, Any]) -> web.Response | None:
        if method != "conversations.replies" or len(asked) >= 2:
            return None
        asked.append(method)
        return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "0"})

    world.slack.drop_after, world.slack.fault = {"files.completeUploadExternal"}, fault
    await world.customer().send(voice={"file_id": world.telegram.add_file(OGG), "duration": 12})
    thread = await world.thread()
    await world.customer().write("Hello there")

    await world.shown(thread, "Hello there")

    assert len(asked) == 2
    assert len(posted(world, thread)) == 1


async def test_a_desk_app_without_the_scope_for_files_goes_on_without(world: World) -> None:
    refused = {"ok": False, "error": "missing_scope"}
    world.slack.fault = lambda method, _: web.json_response(refused) if method.startswith("files.") else None
    customer = world.customer()
    await customer.send(voice={"file_id": world.telegram.add_file(OGG), "duration": 12})
    await customer.write("Are you there?")
    thread = await world.thread()

    await world.shown(thread, "[voice message 0:12]")
    assert await world.shown(thread, "Are you there?")


@pytest.mark.parametrize(
    ("name", "content", "kind", "sent"),
    [
        ("photo.png", PNG, "photo", "photo.png"),
        ("note.ogg", OGG, "voice", "note.ogg"),
        ("bill.pdf", PDF, "document", "bill.pdf"),
        ("photo.png", EXE, "document", "photo.png.exe"),
    ],
)
async def test_an_agents_file_goes_by_the_best_kind(
    world: World, name: str, content: bytes, kind: str, sent: str
) -> None:
    customer = world.customer()
    await customer.write("Hello there")
    thread = await world.thread()

    answer = await world.slack.write_file("U0BEN", name, content, thread=thread, text="Here it is")

    await world.until(lambda: world.telegram.attachments(customer.chat))
    assert world.telegram.attachments(customer.chat) == [(kind, sent, content)]
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    await world.until(lambda: customer.got() == ["Here it is"])
    await world.shown(thread, f"[{name}]")


async def test_a_file_that_the_platform_does_not_take_goes_as_a_link_that_ends(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello there")
    thread = await world.thread()
    large = PDF + b"x" * (50 * 1024 * 1024)

    await world.slack.write_file("U0BEN", "plans.pdf", large, thread=thread)

    (said,) = await world.until(customer.got)
    assert said.startswith(f"plans.pdf: {world.url}/files/")
    link = said.partition(": ")[2]
    async with aiohttp.ClientSession() as session:
        async with session.get(link) as answer:
            assert answer.headers["Content-Type"] == "application/pdf"
            assert "plans.pdf" in answer.headers["Content-Disposition"]
            assert await answer.read() == large
        async with session.get(link[:-1] + ("A" if link[-1] != "A" else "B")) as answer:
            assert answer.status == 404
        async with session.get(f"{world.url}/files/x") as answer:
            assert answer.status == 404


async def test_an_upload_that_breaks_off_in_the_middle_is_made_again_without_doubt(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello there")
    thread = await world.thread()
    large = PDF + b"x" * (40 * 1024 * 1024)
    world.telegram.cut_uploads = 1

    answer = await world.slack.write_file("U0BEN", "plans.pdf", large, thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    assert world.telegram.attachments(customer.chat) == [("document", "plans.pdf", large)]
    assert "twice" not in str(world.slack.replies(thread))


async def test_a_file_that_slack_does_not_give_is_told(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello there")
    thread = await world.thread()
    world.slack.files_token = "another"

    answer = await world.slack.write_file("U0BEN", "bill.pdf", PDF, thread=thread)

    await world.until(lambda: world.slack.reactions.get(answer) == ["warning"])
    assert await world.shown(thread, "files:read")
