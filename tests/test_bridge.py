"""A conversation through the whole gateway: Telegram on one side, Slack on the other, both over HTTP."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from gateway import hands, presence, retry, worker
from gateway.store.contract import StoreError
from gateway.store.sqlite import rows
from routing import conversation
from sandbox.slack import rate_limited
from sandbox.telegram import too_many

World = Any
Words = Callable[[dict[str, Any]], str]
BUTTONS = {"claim", "assign", "close", "reopen", "language", "history"}


@pytest.mark.parametrize("telegram", ["webhook", "polling"])
@pytest.mark.parametrize("desk", ["http", "socket"])
async def test_a_conversation_goes_both_ways(
    make_world: Callable[..., Awaitable[World]], telegram: str, desk: str
) -> None:
    world = await make_world(telegram_mode=telegram, desk_mode=desk)
    customer = world.customer()
    await customer.write("Where is my order?")
    thread = await world.thread()
    await world.shown(thread, "Where is my order?")

    answer = await world.slack.write("U0ANA", "On its way", thread=thread)

    await world.until(lambda: customer.got() == ["On its way"])
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    await world.shown(thread, "Sent: On its way")


async def test_the_card_says_who_and_where_and_has_its_buttons(world: World, words: Words) -> None:
    await world.customer("Lucía <!channel>").write("Hello")
    card = world.slack.posts[await world.thread()]

    assert "Lucía &lt;!channel&gt;" in words(card)
    assert "<@U0" in words(card)
    buttons = next(block["elements"] for block in card["blocks"] if block["type"] == "actions")
    assert {button["action_id"] for button in buttons} == BUTTONS
    assert {button["value"] for button in buttons} == {"1"}


@pytest.mark.parametrize(("allowed", "name"), [(True, "Lucía"), (False, None)])
async def test_what_a_customer_says_shows_under_their_name_once(
    world: World, words: Words, allowed: bool, name: str | None
) -> None:
    if not allowed:
        world.slack.scopes.remove("chat:write.customize")
        await world.gateway.desk.probe()
    customer = world.customer()
    message = await customer.write("Hello")
    thread = await world.thread()
    post = await world.shown(thread, "Hello")
    assert post.get("username") == name
    assert ("*Lucía*" in words(post)) == (not allowed)
    await customer.edit(message, "Hello Ben", at=2_000_000_000)
    assert ("*Lucía*" in words(await world.shown(thread, "Hello Ben"))) == (not allowed)
    await world.slack.write("U0BEN", "!claim", thread=thread)

    assert "username" not in await world.shown(thread, "Claimed by Ben")
    assert world.slack.posts[thread].get("username") == name


async def test_what_a_customer_writes_pings_nobody(world: World, words: Words) -> None:
    await world.customer().write("<!channel> <@U0BEN> <https://evil.example|bank> & co")
    post = await world.shown(await world.thread(), "&lt;!channel&gt;")

    assert "<!channel>" not in words(post)
    assert "<@U0BEN>" not in words(post)
    assert "&lt;https://evil.example|bank&gt; &amp; co" in words(post)


async def test_messages_keep_their_order_and_come_once(world: World, words: Words) -> None:
    customer = world.customer()
    for number in range(12):
        await customer.write(f"message {number:02}.")
    thread = await world.thread()
    await world.shown(thread, "message 11.")

    told = "\n".join(words(post) for post in world.slack.replies(thread))
    places = [told.index(f"message {number:02}.") for number in range(12)]
    assert places == sorted(places)
    assert all(told.count(f"message {number:02}.") == 1 for number in range(12))


async def test_an_update_that_comes_again_changes_nothing(world: World) -> None:
    update = {
        "update_id": 5,
        "message": {
            "message_id": 1,
            "date": 1_790_000_000,
            "chat": {"id": 7, "type": "private", "first_name": "Lucía"},
            "from": {"id": 7, "is_bot": False, "first_name": "Lucía"},
            "text": "Hello",
        },
    }
    assert [await world.telegram.deliver(update) for _ in range(3)] == [200, 200, 200]
    await world.shown(await world.thread(), "Hello")
    await world.settled()

    assert len(world.slack.roots()) == 1
    assert len(world.slack.replies(await world.thread())) == 1


async def test_a_restart_in_the_middle_is_noticed_by_nobody(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Hi, what can I do?", thread=thread)
    await world.until(lambda: len(customer.got()) == 1)
    await world.settled()
    before = len(world.slack.posts)

    await world.stop()
    await world.start()

    await customer.write("My order is late")
    await world.shown(thread, "My order is late")
    await world.slack.write("U0BEN", "Let me see", thread=thread)
    await world.until(lambda: customer.got() == ["Hi, what can I do?", "Let me see"])
    await world.settled()
    assert len(world.slack.roots()) == 1
    assert len(world.slack.posts) == before + 3


async def test_notes_commands_and_machines_stay_at_the_desk(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.slack.write("U0ANA", "// he is angry", thread=thread)
    await world.slack.write("U0ANA", "!nonsense", thread=thread)
    await world.slack.write("U0ANA", "not in a thread")
    await world.slack.write("U0ANA", "in a thread of our own", thread="1.000001")
    await world.slack.write("U0BOT2", "I am a bot", thread=thread, bot_id="B0OTHER")
    await world.slack.write("U0ANA", "topic set", thread=thread, subtype="channel_topic")
    await world.slack.write("U0ANA", "the answer", thread=thread)
    await world.until(lambda: customer.got())
    await world.settled()

    assert customer.got() == ["the answer"]
    assert ["isn't a command" in whisper["text"] for whisper in world.slack.whispers] == [True]
    assert world.slack.whispers[0]["user"] == "U0ANA"


async def test_slack_notation_reaches_the_customer_as_reading_text(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    text = "*Yes*, ask <@U0BEN> or see <https://shop.example/a?b=1&amp;c=2|our page> :wave: 2 &lt; 3"
    await world.slack.write("U0ANA", text, thread=thread)

    await world.until(lambda: customer.got())
    assert customer.got() == ["Yes, ask @Ben or see our page (https://shop.example/a?b=1&c=2) 👋 2 < 3"]


async def test_what_addresses_a_colleague_is_asked_about(world: World, words: Words) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    for text in ("<@U0BEN> can you look?", "@ben and now?"):
        held = await world.slack.write("U0ANA", text, thread=thread)
        await world.until(
            lambda held=held: any(
                button["value"] == held
                for post in world.slack.replies(thread)
                for block in post.get("blocks", ())
                for button in block.get("elements", ())
                if block["type"] == "actions"
            )
        )
        question = world.slack.replies(thread)[-1]
        assert await world.slack.press("U0ANA", "send" if "now" in text else "keep", held, question["ts"]) == 200
    await world.until(lambda: customer.got())
    await world.settled()

    assert customer.got() == ["@ben and now?"]


async def test_an_edit_and_a_block_show_at_the_desk(world: World, words: Words) -> None:
    customer = world.customer()
    message = await customer.write("Order 4471 is late")
    thread = await world.thread()
    await world.shown(thread, "4471")
    await customer.edit(message, "Order 4472 is late")
    post = await world.shown(thread, "4472")
    await customer.block()
    await world.shown(thread, "has blocked us")
    answer = await world.slack.write("U0ANA", "Hello?", thread=thread)
    await world.until(lambda: world.slack.reactions.get(answer) == ["warning"])

    assert "edited" in words(post)
    assert "4471" not in words(post)
    assert customer.got() == []
    await customer.unblock()
    await world.shown(thread, "can be reached again")
    await world.slack.write("U0ANA", "Hello again!", thread=thread)
    await world.until(lambda: customer.got() == ["Hello again!"])


async def test_an_older_edit_that_comes_later_changes_nothing(world: World, words: Words) -> None:
    customer = world.customer()
    message = await customer.write("Order 4471 is late")
    thread = await world.thread()
    await world.shown(thread, "4471")
    await customer.edit(message, "Order 4473 is late", at=1_790_000_009)
    await world.shown(thread, "4473")
    await customer.edit(message, "Order 4472 is late", at=1_790_000_005)
    await customer.edit(await customer.write("Thanks"), "Thank you")
    await world.shown(thread, "Thank you")

    assert "4473" in words(world.slack.replies(thread)[0])
    assert "4472" not in str(world.slack.replies(thread))


async def test_buttons_and_commands_change_the_card(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    assert await world.slack.press("U0BEN", "claim", "1", thread) == 200
    await world.on_card(thread, "<@U0BEN>")
    await world.slack.write("U0BEN", "!close", thread=thread)
    await world.on_card(thread, "✔️ closed")
    await customer.write("One more thing")
    await world.on_card(thread, "💬 open")

    assert len(world.slack.roots()) == 1


async def test_the_cards_buttons_offer_and_show(world: World, words: Words) -> None:
    customer = world.customer()
    await customer.write("Hello there <b>")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.until(lambda: customer.got())
    await world.settled()
    for action in ("assign", "language", "history"):
        assert await world.slack.press("U0BEN", action, "1", thread) == 200
    whispers = await world.until(lambda: world.slack.whispers if len(world.slack.whispers) == 3 else [])

    assert all(whisper["user"] == "U0BEN" and whisper["thread_ts"] == thread for whisper in whispers)
    assign, language, history = (
        words(whisper) for whisper in sorted(whispers, key=lambda it: it["text"][0], reverse=True)
    )
    assert "Ana" in assign
    assert "Spanish" in language
    assert "Hello there &lt;b&gt;" in history
    assert "*Desk:* Hi" in history


async def test_a_platform_that_is_busy_is_given_its_time(world: World) -> None:
    customer = world.customer()
    busy = [rate_limited(0), rate_limited(0)]
    world.slack.fault = lambda method, _: busy.pop() if method == "chat.postMessage" and busy else None
    await customer.write("Hello")
    thread = await world.thread()
    slow: list[web.Response] = [too_many(1)]
    world.telegram.fault = lambda method, _: slow.pop() if method == "sendMessage" and slow else None
    await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.until(lambda: customer.got() == ["Hi"])

    assert not busy
    assert not slow


async def test_a_post_that_was_accepted_before_the_line_broke_is_not_posted_twice(world: World) -> None:
    world.slack.drop_after.add("chat.postMessage")
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.shown(thread, "Hello")
    world.slack.drop_after.add("chat.postMessage")
    await customer.write("Are you there?")
    await world.shown(thread, "Are you there?")
    await customer.write("Well?")
    await world.shown(thread, "Well?")
    await world.settled()

    assert len(world.slack.roots()) == 1
    assert len(world.slack.replies(thread)) == 3


async def test_an_answer_whose_line_broke_is_told_as_perhaps_doubled(world: World) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    world.telegram.drop_after.add("sendMessage")
    await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.shown(thread, "may have reached the customer twice")

    assert customer.got() == ["Hi", "Hi"]


async def test_a_line_that_breaks_before_anything_was_accepted_costs_nothing(world: World) -> None:
    world.slack.drop_before.add("chat.postMessage")
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    world.slack.drop_before.add("chat.postMessage")
    await customer.write("Are you there?")
    await world.shown(thread, "Are you there?")
    world.telegram.drop_before.add("sendMessage")
    answer = await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.until(lambda: world.slack.reactions.get(answer) == ["white_check_mark"])
    await world.settled()

    assert customer.got() == ["Hi"]
    assert len(world.slack.roots()) == 1


async def test_a_platform_with_a_fault_of_its_own_is_asked_again(world: World) -> None:
    faults = [web.Response(status=502, text="<html>Bad gateway</html>"), web.json_response({"ok": False}, status=500)]
    world.slack.fault = lambda method, _: faults.pop() if method == "chat.postMessage" and faults else None
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.shown(thread, "Hello")
    odd = [web.Response(status=502, text="<html>Bad gateway</html>")]
    world.telegram.fault = lambda method, _: odd.pop() if method == "sendMessage" and odd else None
    await world.slack.write("U0ANA", "Hi", thread=thread)

    await world.until(lambda: customer.got() == ["Hi"])
    assert len(world.slack.roots()) == 1


@pytest.mark.parametrize(
    ("status", "description", "told"),
    [
        (403, "Forbidden: bot was blocked by the user", "the customer has blocked the bot"),
        (400, "Bad Request: chat not found", "Telegram doesn't know this chat any more"),
    ],
)
async def test_a_refusal_is_told_in_words(world: World, status: int, description: str, told: str) -> None:
    await world.customer().write("Hello")
    thread = await world.thread()
    body = {"ok": False, "error_code": status, "description": description}
    world.telegram.fault = lambda method, _: web.json_response(body, status=status) if method == "sendMessage" else None
    answer = await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.shown(thread, told)

    await world.until(lambda: world.slack.reactions.get(answer) == ["warning"])
    await world.settled()
    assert "Hi" not in [message["text"] for message in world.telegram.sent]


async def test_a_long_answer_goes_in_parts_and_a_long_question_is_shown_whole(world: World, words: Words) -> None:
    customer = world.customer()
    question = " ".join(f"word{number} & more" for number in range(230))
    await customer.write(question)
    thread = await world.thread()
    await world.shown(thread, "word229 &amp; more")
    answer = "\n".join(f"line {number} of the answer" for number in range(400))
    await world.slack.write("U0ANA", answer, thread=thread)
    await world.until(lambda: "line 399" in "".join(customer.got()))

    assert "\n".join(customer.got()) == answer
    assert len(customer.got()) > 1
    told = " ".join(words(post).replace("\n", " ") for post in world.slack.replies(thread))
    assert all(f"word{number} &amp; more" in told for number in range(230))


async def test_a_missing_scope_for_signs_holds_up_no_message(world: World) -> None:
    world.slack.fault = lambda method, _: (
        web.json_response({"ok": False, "error": "missing_scope"}) if method == "reactions.add" else None
    )
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.slack.write("U0ANA", "Hi", thread=thread)
    await world.until(lambda: customer.got() == ["Hi"])
    await world.until(lambda: "desk marks" in world.gateway.bridge.hands.held)
    await customer.write("Are you there?")

    await world.shown(thread, "Are you there?")
    assert not world.slack.reactions
    assert customer.got() == ["Hi"]


async def test_a_token_that_is_revoked_holds_everything_and_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "HOLD", timedelta(seconds=1))
    token, world.slack.token = world.slack.token, "xoxb-another"
    await world.customer().write("Hello")
    held = await world.until(lambda: dict(world.gateway.bridge.hands.held))
    world.slack.token = token

    assert "invalid_auth" in held["desk"].reason
    await world.shown(await world.thread(), "Hello")
    await world.until(lambda: not world.gateway.bridge.hands.held)


async def test_an_agent_named_by_hand_gets_the_conversation(world: World) -> None:
    await world.customer().write("Hello")
    thread = await world.thread()
    await world.slack.write("U0ANA", "!assign @Ben", thread=thread)

    await world.on_card(thread, "<@U0BEN>")
    assert [each.agent for each in world.gateway.store.roster() if each.load] == ["U0BEN"]


async def test_a_socket_that_breaks_is_opened_again(make_world: Callable[..., Awaitable[World]]) -> None:
    world = await make_world(desk_mode="socket")
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    for socket in tuple(world.slack._sockets):
        await socket.close()
    await world.until(lambda: not world.slack._sockets)
    await world.until(lambda: world.slack._sockets)
    await world.slack.write("U0ANA", "Hi", thread=thread)

    await world.until(lambda: customer.got() == ["Hi"])
    assert not world.gateway.desk.problem


async def test_what_breaks_the_delivery_holds_up_nothing_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "STRIKE_WAIT", 0.01)
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.shown(thread, "Hello")
    interpreter = world.gateway.bridge.interpreter
    whole = interpreter.for_customer

    async def fragile(order: Any, channel: Any, **options: Any) -> Any:
        if "poison" in order.text:
            raise ZeroDivisionError
        return await whole(order, channel, **options)

    monkeypatch.setattr(interpreter, "for_customer", fragile)
    await world.slack.write("U0ANA", "poison", thread=thread)
    await world.slack.write("U0ANA", "And this?", thread=thread)
    await world.until(lambda: customer.got() == ["And this?"])

    await world.shown(thread, "Dragoman broke on it (ZeroDivisionError)")
    assert world.gateway.store.stats().dead == 1


async def test_an_event_that_breaks_the_core_is_set_aside_and_the_next_is_worked_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = conversation.decide

    def fragile(was: Any, event: Any, policy: Any) -> Any:
        if getattr(event, "text", "") == "poison":
            raise ZeroDivisionError
        return whole(was, event, policy)

    monkeypatch.setattr(worker, "decide", fragile)
    customer = world.customer()
    for text in ("Hello", "poison", "And this?"):
        await customer.write(text)
    thread = await world.thread()

    await world.shown(thread, "And this?")
    assert world.gateway.store.stats().aside == 1


async def test_an_event_that_breaks_the_commit_is_set_aside_alone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "PAUSE", 0.01)
    whole = rows.write_step

    def fragile(db: Any, claim: Any, step: Any, *more: Any) -> Any:
        if any(getattr(event, "text", "") == "poison" for event in step.events):
            raise ZeroDivisionError
        return whole(db, claim, step, *more)

    monkeypatch.setattr(rows, "write_step", fragile)
    customer = world.customer()
    for text in ("Hello", "poison", "And this?"):
        await customer.write(text)
    thread = await world.thread()

    await world.shown(thread, "Hello")
    await world.shown(thread, "And this?")
    assert world.gateway.store.stats().aside == 1


async def test_a_queue_whose_turn_could_not_be_written_gets_it_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for chat in range(1, 9):
        await world.customer(chat=chat).write("Hello, where is my order?")
    await world.thread(8)
    await world.customer(chat=9).write("Hello, where is my order?")
    ninth = await world.thread(9)
    await world.settled()

    async def full(why: str) -> None:
        raise StoreError("the store can't write: database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(world.gateway.bridge.worker, "offer_turns", full)
        await world.slack.write("U0ANA", "!close", thread=await world.thread())
        await world.on_card(await world.thread(), "✔️ closed")
        await world.settled()
    await world.gateway.bridge.worker.offer_turns("again")

    await world.shown(ninth, "Assigned to")
    await world.customer(chat=1).write("Thanks, one more question about my order")
    await world.shown(await world.thread(), "one more question")
    assert [each.contact for each in await world.gateway.store.queued(10)] == ["tg/1"]


async def test_what_slack_refuses_in_the_thread_is_shown_all_the_same(world: World, words: Words) -> None:
    customer = world.customer()
    await customer.write("Hello")
    thread = await world.thread()
    await world.shown(thread, "Hello")
    world.slack.fault = lambda method, fields: (
        web.json_response({"ok": False, "error": "thread_not_found"})
        if method == "chat.postMessage" and fields.get("thread_ts")
        else None
    )
    await customer.write("Are you there?")
    await world.until(lambda: any("Are you there?" in words(root) for root in world.slack.roots()))
    world.slack.fault = lambda method, fields: (
        web.json_response({"ok": False, "error": "invalid_blocks"})
        if method == "chat.postMessage" and fields.get("blocks")
        else None
    )
    await customer.write("Is anybody there?")

    await world.until(lambda: any("Is anybody there?" in words(root) for root in world.slack.roots()))
    await world.settled()
    assert sum("Is anybody there?" in words(post) for post in world.slack.posts.values()) == 1


async def test_an_edit_that_its_post_cannot_hold_is_shown_below(world: World) -> None:
    customer = world.customer()
    message = await customer.write("short")
    thread = await world.thread()
    await world.shown(thread, "short")
    await customer.edit(message, "& " * 1900 + "end of the edit")

    below = await world.shown(thread, "end of the edit")
    assert below["ts"] != (await world.shown(thread, "short"))["ts"]


async def test_who_is_away_gets_nothing_new_until_they_are_back(world: World) -> None:
    await world.customer("Lucía", 1).write("Hello there, please help me")
    thread = await world.thread()
    for agent in ("U0ANA", "U0BEN"):
        await world.slack.write(agent, "!away", thread=thread)
    await world.until(lambda: sum(each.away for each in world.gateway.store.roster()) == 2)

    await world.customer("Émile", 2).write("Hello there, please help me")
    second = await world.thread(2)
    await world.until(lambda: "nobody" in str(world.slack.posts[second]))
    await world.slack.write("U0BEN", "!back", thread=thread)

    assert await world.until(lambda: "<@U0BEN>" in str(world.slack.posts[second]))


async def test_whom_slack_shows_as_away_gets_nothing_new(
    make_world: Callable[..., Awaitable[World]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "BETWEEN", 0.01)
    monkeypatch.setattr(presence, "EVERY", 0.01)
    world = await make_world()
    await world.stop()
    world.presence = "slack_presence = true"
    world.slack.away = {"U0ANA", "U0BEN"}
    await world.start()
    await world.until(lambda: sum(each.away for each in world.gateway.store.roster()) == 2)
    await world.customer().write("Hello there, please help me")
    thread = await world.thread()
    await world.until(lambda: "nobody" in str(world.slack.posts[thread]))

    world.slack.away = {"U0ANA"}

    assert await world.until(lambda: "<@U0BEN>" in str(world.slack.posts[thread]))


async def test_a_menu_is_asked_in_the_customers_language(make_world: Callable[..., Awaitable[World]]) -> None:
    skill = '[[routing.skills]]\nname = "billing"\nmenu.en = "Invoices"\nmenu.es = "Facturas y reembolsos"\n'
    world = await make_world(extra=skill)
    customer = world.customer()

    await customer.write("Hola, ¿están abiertos hoy?")

    question = "Indique con un número de qué se trata, por favor.\n1. Facturas y reembolsos"
    await world.until(lambda: customer.got() == [question])
    await customer.write("1")
    assert await world.shown(await world.thread(), "The customer chose: billing")
