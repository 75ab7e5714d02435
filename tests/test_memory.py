"""What was corrected wins at once and for its like; the same sentence is never computed twice."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

import translation.chain
from config.store_address import read_address
from gateway import shared_translations
from gateway.shared_translations import SharedTranslations
from gateway.store.contract import StoreError
from gateway.store.redis import RedisStore
from translation.chain import Chain, Untranslated
from translation.contract import EngineError, Pair, Rendering, Translated
from translation.memory import CORRECTED, DAY, Correction, Memory
from translation.phrasebook import Phrasebook

ES_EN = Pair("es", "en")


def correction(text: str, fix: str, source: str = "es", target: str = "en") -> Correction:
    return Correction(source=source, target=target, text=text, fix=fix, by="U0ANA")


def corrected(text: str, *known: Correction, pair: Pair = ES_EN) -> str | None:
    memory = Memory()
    memory.learn(known)
    found = memory.corrected(text, pair)
    assert found is None or (found.engine, found.score) == (CORRECTED, 1.0)
    return found.text if found else None


@pytest.mark.parametrize(
    ("known", "text", "expected"),
    [
        pytest.param(("Ojalá llegue", "I hope it comes"), "Ojalá llegue", "I hope it comes", id="the same text"),
        pytest.param(("Ojalá llegue", "I hope it comes"), " ojalá  LLEGUE", "I hope it comes", id="another case"),
        pytest.param(("Ojalá llegue", "I hope it comes"), "Ojalá llegue hoy", None, id="another text"),
        pytest.param(("El A-1 vale 5 €", "A-1 costs 5 €"), "El B-2 vale 70 €", "B-2 costs 70 €", id="its like"),
        pytest.param(("De 5 € a 7 €", "From 5 € to 7 €"), "De 9 € a 1 €", "From 9 € to 1 €", id="two of a kind"),
        pytest.param(("Hay 2 de 2", "2 of 2 are here"), "Hay 2 de 2", "2 of 2 are here", id="one value twice"),
        pytest.param(("Hay 2 de 2", "2 of 2 are here"), "Hay 3 de 3", None, id="not its like, which is unclear"),
        pytest.param(("¡Ojalá llegue!", "I hope it comes"), "ojala llegue", "I hope it comes", id="in a hurry"),
        pytest.param(("¿Llega hoy?", "Is it here today?"), "llega hoy", None, id="said, not asked"),
        pytest.param(("¿Llega hoy?", "Is it here today?"), "llega hoy??", "Is it here today?", id="asked twice"),
        pytest.param(("I don't know", "No sé"), "i dont know", "No sé", id="without an apostrophe"),
        pytest.param(("¿Llegó el A-1?", "Is A-1 here?"), "llego el B-2?", "Is B-2 here?", id="its like, in a hurry"),
        pytest.param(("Son 5 €", "It is five euros"), "Son 5 €", None, id="a fix that loses an amount"),
    ],
)
def test_a_correction_serves_its_text_and_its_like(known: tuple[str, str], text: str, expected: str | None) -> None:
    assert corrected(text, correction(*known)) == expected


def test_two_things_that_differ_by_an_accent_alone_are_not_taken_for_each_other() -> None:
    known = correction("El papa llegó", "The pope arrived"), correction("El papá llegó", "Dad arrived")

    assert corrected("El papá llegó", *known) == "Dad arrived"
    assert corrected("El papa llegó", *known) == "The pope arrived"
    assert corrected("el papa llego", *known) is None


def test_what_was_corrected_in_a_text_much_like_it_is_found() -> None:
    memory = Memory()
    near = correction("The turtle ate the parcel", "La tortuga se comió el paquete", "en", "es")
    memory.learn([correction("Where is the moon?", "¿Dónde está la luna?", "en", "es"), near])

    assert memory.similar("The turtles ate the parcels", Pair("en", "es")) == near
    assert memory.similar("Good evening to all of you", Pair("en", "es")) is None
    assert memory.similar("The turtle ate the parcel", Pair("en", "fr")) is None


def test_a_correction_is_for_its_direction_whatever_the_region() -> None:
    known = correction("Ojalá", "Hopefully")

    assert corrected("Ojalá", known, pair=Pair("es-mx", "en-gb")) == "Hopefully"
    assert corrected("Ojalá", known, pair=Pair("en", "es")) is None


def test_a_later_correction_of_the_same_text_replaces_the_earlier() -> None:
    first, second = correction("El A-1 llega", "A-1 comes"), correction("el B-2 llega", "B-2 is arriving")

    assert first.key == second.key
    assert first.key != correction("El A-1 llega", "A-1 comes", target="fr").key
    assert corrected("El C-3 llega", first, second) == "C-3 is arriving"


class Counting:
    """An engine that counts what it is asked, and fails when told to."""

    def __init__(self, name: str = "first") -> None:
        self.name = name
        self.asked = 0
        self.fails = False
        self.can: set[Pair] = {ES_EN}

    def pairs(self) -> set[Pair]:
        return self.can

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        self.asked += 1
        if self.fails:
            raise EngineError("it isn't there")
        return [Rendering(f"{self.name} {text}", 0.9) for text in texts]

    async def probe(self) -> str:
        return ""

    async def close(self) -> None:
        """Nothing to let go of."""


async def say(chain: Chain, text: str = "hola amigo") -> str:
    made = await chain.translate(text, source="es", target="en")
    assert isinstance(made, Translated)
    return made.text


async def test_the_same_sentence_is_computed_once() -> None:
    engine = Counting()
    outcomes: list[tuple[str, str]] = []
    chain = Chain([engine], note=lambda engine, pair, outcome, seconds: outcomes.append((engine, outcome)))

    assert {await say(chain) for _ in range(5)} == {"first hola amigo"}
    assert engine.asked == 1
    assert outcomes == [("first", "translated"), *[("first", "remembered")] * 4]


async def test_what_another_engine_made_meanwhile_is_not_remembered() -> None:
    first, second = Counting("first"), Counting("second")
    chain = Chain([first, second])
    first.fails = True
    assert await say(chain) == "second hola amigo"

    first.fails = False

    assert await say(chain) == "first hola amigo"


async def test_it_is_computed_again_after_a_day_and_once_it_was_to_be_forgotten() -> None:
    now = 0.0
    engine = Counting()
    chain = Chain([engine], memory=Memory(clock=lambda: now))
    await say(chain)
    now = DAY
    await say(chain)
    assert engine.asked == 1

    now = DAY + 1
    await say(chain)
    assert engine.asked == 2

    chain.memory.forget()
    await say(chain)
    assert engine.asked == 3


async def test_a_better_engine_that_comes_is_asked_again() -> None:
    first, second = Counting("first"), Counting("second")
    first.can = set()
    chain = Chain([first, second])
    assert await say(chain) == "second hola amigo"

    first.can = {ES_EN}

    assert await say(chain) == "first hola amigo"


async def test_what_was_not_used_for_long_is_forgotten() -> None:
    engine = Counting()
    chain = Chain([engine], memory=Memory(most=2))
    for text in ("uno uno", "dos dos", "uno uno", "tres tres", "uno uno", "dos dos"):
        await say(chain, text)

    assert engine.asked == 4


async def test_long_texts_are_not_remembered() -> None:
    engine = Counting()
    chain = Chain([engine])
    for length in (200, 200, 201, 201):
        await say(chain, "a" * length)

    assert engine.asked == 3


async def test_a_correction_wins_at_once_over_what_is_remembered() -> None:
    chain = Chain([Counting()])
    await say(chain)

    chain.memory.learn([correction("hola amigo", "hi there")])

    assert await say(chain) == "hi there"


class Slow(Counting):
    """An engine that takes until it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.may = asyncio.Event()

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        made = await super().translate(texts, source=source, target=target)
        await self.may.wait()
        return made


async def test_who_asks_the_same_meanwhile_waits_for_it_as_long_as_they_may() -> None:
    engine = Slow()
    chain = Chain([engine])
    asked = [asyncio.create_task(say(chain)) for _ in range(3)]
    await asyncio.sleep(0)
    impatient = await chain.translate("hola amigo", source="es", target="en", within=0.02)
    assert impatient == Untranslated("no engine works just now", passing=True)
    assert engine.asked == 1

    engine.may.set()

    assert await asyncio.gather(*asked) == ["first hola amigo"] * 3
    assert engine.asked == 1


async def test_nobody_waits_long_for_an_engine_that_hangs_on_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation.chain, "SAME_WAITS", 0.01)
    hangs, other = Slow(), Counting("other")
    chain = Chain([hangs, other])
    first = asyncio.create_task(say(chain))
    await asyncio.sleep(0)
    hangs.can = set()

    assert await say(chain) == "other hola amigo"
    hangs.may.set()
    assert await first == "first hola amigo"


class Refusing(Slow):
    """An engine that refuses a text when it may, while somebody asks the same, and hangs on it after that."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] = lambda: None

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> Sequence[Rendering | None]:
        await super().translate(texts, source=source, target=target)
        self.may.clear()
        self.meanwhile()
        return [None]


async def test_whoever_comes_between_two_who_wait_in_turn_waits_no_longer() -> None:
    engine = Refusing()
    chain = Chain([engine])
    came: list[asyncio.Task[Translated | Untranslated]] = []
    engine.meanwhile = lambda: came.append(
        asyncio.create_task(chain.translate("hola amigo", source="es", target="en", within=0.05))
    )
    first, second = (asyncio.create_task(chain.translate("hola amigo", source="es", target="en")) for _ in range(2))
    await asyncio.sleep(0)
    engine.may.set()
    assert await first == Untranslated("no engine could translate it")

    async with asyncio.timeout(5):
        assert await came[0] == Untranslated("no engine works just now", passing=True)
    second.cancel()


async def test_whoever_waited_tries_where_the_first_was_cancelled() -> None:
    engine = Slow()
    chain = Chain([engine])
    first, second = (asyncio.create_task(say(chain)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    engine.may.set()

    assert await second == "first hola amigo"


@pytest.fixture
async def replicas(redis: str) -> AsyncIterator[list[Chain]]:
    """Two processes' chains on one Redis, each with an engine of its own behind the phrasebook."""
    address = read_address(f"{redis}?prefix={secrets.token_hex(8)}")
    assert address
    stores = [RedisStore(address) for _ in range(2)]
    chains = []
    for store in stores:
        await store.open()
        chain = Chain([Phrasebook.load(), Counting()])
        chain.shared = SharedTranslations(store)
        chains.append(chain)
    yield chains
    for store in stores:
        await store.close()


async def test_what_one_replica_computed_no_other_computes(replicas: list[Chain]) -> None:
    assert [await say(chain) for chain in replicas] == ["first hola amigo"] * 2
    assert [asked(chain) for chain in replicas] == [1, 0]

    assert [await say(chain, "¿Dónde está mi pedido?") for chain in replicas] == ["Where is my order?"] * 2
    assert [asked(chain) for chain in replicas] == [1, 0]
    long = "a" * 201
    assert [await say(chain, long) for chain in replicas] == [f"first {long}"] * 2
    assert [asked(chain) for chain in replicas] == [2, 1]


async def test_what_another_made_is_not_used_where_other_engines_are_asked(replicas: list[Chain]) -> None:
    await say(replicas[0])
    (engine,) = (each for each in replicas[1].engines.values() if isinstance(each, Counting))
    engine.name = "better"

    assert await say(replicas[1]) == "better hola amigo"


async def test_a_store_that_does_not_answer_holds_up_no_translation(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        async def recall(self, key: str) -> bytes | None:
            raise StoreError("Redis can't be reached")

        async def remember(self, key: str, body: bytes) -> None:
            await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(shared_translations, "PATIENCE", 0.01)
    chain = Chain([Counting()])
    chain.shared = SharedTranslations(Gone())

    assert await say(chain) == "first hola amigo"


def asked(chain: Chain) -> int:
    return sum(each.asked for each in chain.engines.values() if isinstance(each, Counting))
