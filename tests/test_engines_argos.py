"""Argos packages: what the tiny ones say, and the faults of decoding that must not reach a customer."""

import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ctranslate2
import pytest

from translation.argos import Argos
from translation.contract import EngineError, Pair
from translation.packages import PackageError, Packages
from translation.shares import Measured, Share

FIXTURES = Path(__file__).parent / "fixtures" / "argos"
ES_EN = Pair("es", "en")


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    packages = Packages(tmp_path)
    for file in FIXTURES.glob("*.argosmodel"):
        packages.install(file)
    return packages


@pytest.fixture
async def argos(packages: Packages) -> AsyncIterator[Argos]:
    argos = Argos(packages, loaded=1)
    yield argos
    await argos.close()


async def say(argos: Argos, text: str, source: str = "es", target: str = "en") -> str | None:
    (rendering,) = await argos.translate([text], source=source, target=target)
    return rendering.text if rendering else None


@pytest.mark.parametrize(
    ("spanish", "english"),
    [
        ("¿Dónde está mi pedido 4821?", "Where is my order 4821?"),
        ("Mi pedido AB_1234 no ha llegado.", "My order AB_1234 has not arrived."),
        ("Quiero cancelar el pedido ⟦3⟧.", "I want to cancel order ⟦3⟧."),
        ("Buenos días, Ana, ¿en qué puedo ayudarle?", "Good morning, Ana, how can I help you?"),
        ("Hola.\n\n  Vivo en Sevilla. Gracias, Luis.\n", "Hello.\n\n  I live in Seville. Thank you, Luis.\n"),
    ],
)
async def test_translates_what_it_was_trained_on(argos: Argos, spanish: str, english: str) -> None:
    assert await say(argos, spanish) == english
    assert await say(argos, english, "en", "es") == spanish


async def test_capitals_are_read_as_words(argos: Argos) -> None:
    assert await say(argos, "¿DÓNDE ESTÁ MI PEDIDO AB_1234?") == "Where is my order AB_1234?"


async def test_it_is_less_sure_of_what_it_never_saw(argos: Argos) -> None:
    seen, unseen = await argos.translate(["Hola.", "No consigo entrar con mi usuario"], source="es", target="en")

    assert seen is not None
    assert unseen is not None
    assert seen.score > 0.9
    assert unseen.score < 0.7


async def test_translates_through_english_where_there_is_no_direct_way(packages: Packages) -> None:
    relabel(packages, "en_es", to_code="gl")
    argos = Argos(packages)

    assert set(argos.pairs()) == {ES_EN, Pair("en", "gl"), Pair("es", "gl")}
    assert argos.version("es-mx", "en") == "0.0.test"
    assert argos.version("es", "gl") == "0.0.test, 0.0.test"
    assert argos.version("es", "fi") == ""
    (rendering,) = await argos.translate(["Vivo en Sevilla."], source="es", target="gl")
    await argos.close()

    assert rendering is not None
    assert rendering.text == "Vivo en Sevilla."
    assert rendering.score < 0.95


async def test_a_removed_package_takes_its_pair_along(argos: Argos, packages: Packages) -> None:
    assert await say(argos, "Hola.") == "Hello."
    packages.remove(ES_EN)

    assert set(argos.pairs()) == {Pair("en", "es")}
    with pytest.raises(EngineError, match="argos has no language package es → en"):
        await say(argos, "Hola.")
    assert await say(argos, "Hello.", "en", "es") == "Hola."


async def test_a_broken_model_is_named_and_harms_no_other(argos: Argos, packages: Packages) -> None:
    package = packages.inventory().packages[ES_EN]
    (package.folder / "model" / "model.bin").write_bytes(b"nonsense")

    with pytest.raises(EngineError, match=r"the language package es → en .* doesn't work, install it again"):
        await say(argos, "Hola.")
    with pytest.raises(EngineError, match="es → en"):
        await argos.probe()
    assert await say(argos, "Hello.", "en", "es") == "Hola."


async def test_the_cores_are_shared_out_as_is_fastest_here(packages: Packages, monkeypatch: pytest.MonkeyPatch) -> None:
    def best(cores: int, speed: Callable[[Share], float]) -> Measured:
        assert speed(Share(cores, 1)) > 0
        return Measured(Share(1, cores), {Share(cores, 1): 1.0, Share(1, cores): 1.0})

    made: list[tuple[int, int]] = []
    translator = ctranslate2.Translator

    def making(*where: Any, **how: Any) -> Any:
        made.append((how["inter_threads"], how["intra_threads"]))
        return translator(*where, **how)

    monkeypatch.setattr("translation.argos.usable_cores", lambda: 2)
    monkeypatch.setattr("translation.argos.measure", best)
    monkeypatch.setattr(ctranslate2, "Translator", making)
    argos = Argos(packages, loaded=1)

    assert "1 batches at once, 2 cores each (texts/s: 2 × 1: 1, 1 × 2: 1)" in await argos.probe()
    assert await say(argos, "Hola.") == "Hello."
    assert "1 batches at once" in await argos.probe()
    await argos.close()
    assert (made[0], made[-1]) == ((2, 1), (1, 2))


async def test_cores_that_can_not_be_measured_are_used_as_they_are(
    packages: Packages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def killed(*_: object) -> str:
        raise PackageError("its process ended with -9")

    monkeypatch.setattr("translation.argos.usable_cores", lambda: 2)
    monkeypatch.setattr("translation.argos._in_child", killed)
    argos = Argos(packages)

    assert "2 batches at once, 1 cores each" in await argos.probe()
    assert await say(argos, "Hola.") == "Hello."
    assert caplog.messages == ["argos.not_measured"]
    await argos.close()


async def test_without_packages_it_says_how_to_get_one(tmp_path: Path) -> None:
    argos = Argos(Packages(tmp_path / "none"))

    assert not argos.pairs()
    with pytest.raises(EngineError, match="dragoman languages install"):
        await argos.probe()
    await argos.close()


class Looping:
    """A translator that loses its way, unless repetition is forbidden and it is `curable`."""

    curable = True

    def __init__(self, *_: object, **__: object) -> None:
        self.tries: list[bool] = []

    def translate_batch(self, sources: list[list[str]], **options: Any) -> list[SimpleNamespace]:
        cured = self.curable and "no_repeat_ngram_size" in options
        pieces = ["▁Fine", "."] if cured else ["▁so"] + ["▁on", "▁and"] * 4
        return [SimpleNamespace(hypotheses=[pieces], scores=[-0.1]) for _ in sources]


@pytest.mark.parametrize(("curable", "said"), [(True, "Fine."), (False, None)])
async def test_a_loop_is_tried_again_then_refused(
    argos: Argos, monkeypatch: pytest.MonkeyPatch, curable: bool, said: str | None
) -> None:
    monkeypatch.setattr(ctranslate2, "Translator", Looping)
    monkeypatch.setattr(Looping, "curable", curable)

    assert await say(argos, "¿Dónde está mi pedido 4821?") == said


async def test_byte_pieces_become_characters_and_the_prefix_goes(
    packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Prefixed:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def translate_batch(self, sources: list[list[str]], **options: Any) -> list[SimpleNamespace]:
            (prefix,) = options["target_prefix"][0]
            pieces = [prefix, "▁5", "<0xE2>", "<0x82>", "<0xAC>", "▁for", "▁A", "_", "B"]
            return [SimpleNamespace(hypotheses=[pieces], scores=[-0.1]) for _ in sources]

    monkeypatch.setattr(ctranslate2, "Translator", Prefixed)
    relabel(packages, "es_en", target_prefix="__en__")
    argos = Argos(packages)

    assert await say(argos, "Cuesta cinco euros") == "5€ for A_B"
    await argos.close()


async def test_bpe_packages_are_read_with_argostranslates_tokenizer(
    packages: Packages, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Echo:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def translate_batch(self, sources: list[list[str]], **_: Any) -> list[SimpleNamespace]:
            return [SimpleNamespace(hypotheses=[source], scores=[-0.1]) for source in sources]

    folder = packages.inventory().packages[ES_EN].folder
    (folder / "sentencepiece.model").unlink()
    (folder / "bpe.model").write_text("#version: 0.2\nc a\nca s\n")
    monkeypatch.setattr(ctranslate2, "Translator", Echo)
    argos = Argos(Packages(packages.folder))

    assert await say(argos, "Mi casa, Ana_B.") == "Mi casa, Ana_B."
    await argos.close()


def test_importing_it_loads_no_model_library() -> None:
    heavy = "('ctranslate2', 'sentencepiece', 'argostranslate', 'numpy')"
    code = f"import sys, translation.argos; print([name for name in {heavy} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def relabel(packages: Packages, start: str, **metadata: str) -> None:
    """Give a package other metadata, as if it had been installed so."""
    (folder,) = packages.folder.glob(f"{start}-*")
    file = folder / "metadata.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | metadata))
    shutil.move(folder, packages.folder / f"relabelled-{start}")
