"""What posts look like: within Slack's limits, and with nothing lost."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.desk_view import (
    MAX_BLOCKS,
    MAX_TEXT,
    Entry,
    Line,
    Question,
    Room,
    Said,
    decode_entries,
    draw,
    draw_card,
    draw_whisper,
    encode_entries,
    fits,
    pieces,
)
from routing.effects import Card
from routing.policy import Policy

WORDS = st.text(alphabet="abc <>&*\n👍é", max_size=4200)


def texts(blocks: list[dict[str, object]]) -> list[str]:
    found = []
    for block in blocks:
        parts = [block.get("text"), *(block.get("fields") or ()), *(block.get("elements") or ())]  # type: ignore[misc]
        found += [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return found


@settings(deadline=None, max_examples=60)
@given(WORDS, WORDS)
def test_every_message_fits_into_posts_and_comes_whole(text: str, original: str) -> None:
    said = Said(message="1", name="Lucía", text=text, original=original, language="es", mark="marked", engine="argos")
    parts = pieces(said)
    shown = ""
    for part in parts:
        fallback, blocks = draw([part])
        assert fits([part])
        assert 0 < len(fallback) <= 4000
        assert all(0 < len(each) <= 3000 for each in texts(blocks))
        assert len(json.dumps(blocks, ensure_ascii=False)) < 13_000
        shown += "".join(texts(blocks))
    for words in (text, original):
        escaped = words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert all(word in "".join(shown.split()) for word in escaped.split() if len(word) < 200)


SAID = st.builds(
    Said,
    message=WORDS.map(lambda text: text[:300]),
    name=st.sampled_from(["Lucía", "<&>" * 30]),
    text=WORDS,
    original=WORDS,
    quote=st.sampled_from(["", "&" * 150]),
    language=st.just("pt-br"),
    engine=st.just("libretranslate"),
    mark=st.sampled_from(["", "Shown as written"]),
    late=st.booleans(),
    edited=st.booleans(),
    deleted=st.booleans(),
)


LINE = st.builds(Line, text=WORDS, mention=st.sampled_from(["", "U0ANA"]), quiet=st.booleans())
ASKS = st.builds(
    Question,
    agent=st.just("U0ANA"),
    held=st.just("1234567890.123456"),
    reason=WORDS.map(lambda text: text[:200]),
    text=WORDS,
    rendering=WORDS,
    back=WORDS,
    changes=st.booleans(),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(SAID, LINE, ASKS), max_size=14))
def test_what_a_post_takes_it_can_show(entries: list[Entry]) -> None:
    room = Room()
    taken = [each for each in entries if room.take([each])]
    assert room.entries == taken
    _, blocks = draw(room.entries)
    assert len(blocks) <= MAX_BLOCKS
    assert len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) <= MAX_TEXT


def test_a_question_stands_with_what_was_said_before_it() -> None:
    room = Room()
    asks = Question(agent="U0ANA", held="1.0", reason="It may be wrong.", text="Hi", rendering="Hola", back="Hello")

    assert all(room.take([each]) for each in (Line(text="Sent in Spanish: Hola"), asks, Line(text="Closed by Ana")))


def test_a_post_takes_several_messages_of_some_length() -> None:
    room = Room()
    said = [Said(message=f"wamid.{n}", name="Lucía", text="a" * 380, original="b" * 380) for n in range(20)]
    assert sum(room.take([each]) for each in said) >= 8


def test_no_cut_falls_within_an_entity() -> None:
    _, blocks = draw([Line(text="&" * 2000)])

    assert all(part.count("&") == part.count("&amp;") for part in texts(blocks))


def test_entries_read_back_as_they_were_written() -> None:
    entries: tuple[Entry, ...] = (
        Said(message="1", name="L", text="x", edited=True),
        Line(text="y", mention="U1"),
        Question(agent="U1", held="2.0", reason="r", text="t", rendering="m", back="b"),
    )

    assert decode_entries(encode_entries(entries)) == entries


def test_an_edited_message_of_an_earlier_version_reads_back() -> None:
    (said,) = decode_entries(b'[{"type":"Said","message":"1","name":"L","text":"x","edited":true}]')

    assert said == Said(message="1", name="L", text="x", edited=True)


def test_a_deleted_message_is_struck_out() -> None:
    _, blocks = draw([Said(message="1", name="L", text="two\nlines", deleted=True)])

    assert "~two~\n~lines~" in texts(blocks)[0]


def test_a_question_shows_what_would_be_sent_and_what_it_means() -> None:
    _, blocks = draw([Question(agent="U1", held="2.0", reason="Risky.", text="Hi", rendering="Hola", back="Hello")])
    (actions,) = (block for block in blocks if block["type"] == "actions")

    assert [button["action_id"] for button in actions["elements"]] == ["send", "edit", "send_original", "keep"]
    assert all(word in texts(blocks)[0] for word in ("<@U1>", "Hi", "Hola", "Hello"))


def test_a_translation_has_a_button_to_put_it_right() -> None:
    said = Said(message="7001", name="L", text="Hi", original="Hola", language="es", engine="argos")
    _, (first, *_) = draw([said])

    assert (first["accessory"]["action_id"], first["accessory"]["value"]) == ("fix:7001", "7001")
    for other in (replace(said, original="", engine=""), replace(said, deleted=True)):
        assert not any("accessory" in block for block in draw([other])[1])


def test_a_card_without_anybody_says_so() -> None:
    text, blocks = draw_card(Card(number=3, name="", channel="tg", status="queued", priority="high"), Policy())

    assert "#3 Customer on tg: queued" in text
    assert any("nobody" in each for each in texts(blocks))
    assert any("high" in each for each in texts(blocks))


def test_a_whisper_is_within_limits() -> None:
    text, blocks = draw_whisper("word " * 3000)

    assert len(text) <= 4000
    assert all(len(each) <= 3000 for each in texts(blocks))
