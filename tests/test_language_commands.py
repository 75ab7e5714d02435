"""Translation models from the shell: listing, importing and removing them."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.firefox_model import SPANISH, make_model
from gateway.__main__ import main
from translation.contract import Pair

TINY = Path(__file__).parent / "fixtures" / "argos"
CONFIGURATION = """
[desk]
kind = "slack"
channel = "C0SUPPORT"
bot_token = "xoxb-1"
app_token = "xapp-1"
"""


ENGLISH = {english: spanish for spanish, english in SPANISH.items() if english}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A mirror with both directions of Spanish and English, as a folder."""
    (folder := tmp_path / "published").mkdir()
    records = make_model(SPANISH).records(Pair("es", "en"), folder) + make_model(ENGLISH).records(
        Pair("en", "es"), folder
    )
    (folder / "records.json").write_text(json.dumps({"data": records}))
    (tmp_path / "dragoman.toml").write_text(f'{CONFIGURATION}[translation.firefox]\nmirror = "published"\n')
    return folder


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ARGOS_PACKAGES_DIR", str(tmp_path / "argostranslate"))
    if not (tmp_path / "dragoman.toml").exists():
        (tmp_path / "dragoman.toml").write_text(CONFIGURATION)

    def run(*arguments: str, command: str = "languages") -> tuple[int, str]:
        status = main([command, *arguments, "-c", str(tmp_path / "dragoman.toml")])
        return status, "".join(capsys.readouterr())

    return run


def test_a_package_is_imported_listed_and_removed(shell: Any, tmp_path: Path) -> None:
    assert shell("list") == (
        0,
        f"no model is in {tmp_path}/data: `dragoman languages install es` fetches those for Spanish\n",
    )

    for name in ("tiny-es-en", "tiny-en-es"):
        status, said = shell("import", str(TINY / f"{name}.argosmodel"))
        assert (status, "installed; a running gateway has it already" in said) == (0, True)
    status, said = shell("list", "--json")
    assert [(each["engine"], each["source"], each["target"]) for each in map(json.loads, said.splitlines())] == [
        ("argos", "en", "es"),
        ("argos", "es", "en"),
    ]

    status, said = shell("remove", "es")
    assert (status, said.count(": removed")) == (0, 2)
    assert "no model" in shell("list")[1]


def test_importing_again_replaces_what_was_there(shell: Any) -> None:
    for _ in range(2):
        assert shell("import", str(TINY / "tiny-es-en.argosmodel"))[0] == 0

    assert shell("list")[1].count("es → en") == 1


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        pytest.param(("remove", "fr"), 1, "nothing of ours is installed for fr", id="nothing there"),
        pytest.param(("remove", "en"), 2, "en is the desk's own language", id="the desk's own"),
        pytest.param(("import", "missing.argosmodel"), 1, "missing.argosmodel isn't there", id="no such file"),
    ],
)
def test_says_what_is_wrong(shell: Any, arguments: tuple[str, ...], status: int, says: str) -> None:
    found, said = shell(*arguments)

    assert (found, says in said) == (status, True)


def test_a_package_that_argostranslate_installed_is_listed_and_left_to_it(shell: Any, tmp_path: Path) -> None:
    shell("import", str(TINY / "tiny-es-en.argosmodel"))
    (tmp_path / "data" / "packages").rename(tmp_path / "argostranslate")

    assert "argostranslate's own" in shell("list")[1]
    assert shell("remove", "es")[0] == 1


def test_a_language_is_installed_used_and_removed(published: Path, shell: Any) -> None:
    status, said = shell("install", "es")
    assert (status, said.count(": installed; a running gateway has it already")) == (0, 2)
    assert shell("install", "es")[1].count(": is there already") == 2
    assert [line.split("(")[0] for line in shell("list")[1].splitlines()] == ["firefox  en → es ", "firefox  es → en "]

    assert shell("es", "en", "Hola, quiero mi casa", command="translate") == (0, "Hello, want my house\n")
    assert "ok    engine firefox" in shell("--offline", command="check")[1]

    assert shell("remove", "es")[1].count(": removed") == 2
    assert "no model is in" in shell("list")[1]


def test_a_mirror_holds_what_is_installed_or_named(published: Path, shell: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert shell("mirror", str(copy)) == (2, "name the languages: none is installed here\n")

    status, said = shell("mirror", str(copy), "es", "--json")
    assert status == 0
    assert json.loads(said.splitlines()[-1]) == {"mirror": str(copy)}
    assert (copy / "records.json").exists()

    shell("install", "es")
    assert shell("mirror", str(tmp_path / "second"))[1].count(": in ") == 2


def test_models_that_the_configuration_leaves_unused_are_told(published: Path, shell: Any, tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text(
        file.read_text().replace("[translation.firefox]", '[translation]\nengines = ["argos"]\n[translation.firefox]')
    )

    status, said = shell("install", "es", "--engine", "firefox")

    assert (status, "translation.engines doesn't name firefox" in said) == (1, True)


def test_a_language_without_models_is_told_with_those_that_have_some(published: Path, shell: Any) -> None:
    status, said = shell("install", "xx")

    assert status == 1
    assert said.endswith("records.json: there is no model xx → en, en → xx; languages with models: en es\n")


def test_the_phrasebook_that_comes_with_it_is_whole(shell: Any) -> None:
    status, told = shell("phrases", "check", "--json")

    assert status == 0
    lines = [json.loads(line) for line in told.splitlines()]
    assert {line["language"] for line in lines} == {"de", "en", "es", "fr", "it", "nl", "pl", "pt"}
    assert all(line["phrases"] >= 380 for line in lines)
    assert all(line["wordings"] > line["phrases"] for line in lines)


def test_all_that_is_wrong_with_a_phrasebook_is_told(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("[opening]\nhello: Hello!\nbye: Bye {name}!\nthere: There!\n")
    (tmp_path / "es.txt").write_text("[opening]\nhello: ¡Hola!\nbye: ¡Adiós!\n")
    (tmp_path / "fr.txt").write_text("[opening]\nhello: Salut {nowhere}!\n")
    (tmp_path / "pl.txt").write_text("[customer]\ntried: (Próbowałem|Próbowałam).\n")
    status, told = shell("phrases", "check", str(tmp_path))

    assert status == 1
    assert f"{tmp_path}/en.txt, line 4: `there` is missing in {tmp_path}/es.txt" in told
    assert f"{tmp_path}/en.txt, line 3: `bye` has other slots in {tmp_path}/es.txt" in told
    assert f"{tmp_path}/fr.txt, line 2: there is no slot {{nowhere}}" in told
    assert f"{tmp_path}/pl.txt, line 2: `(Próbowałem|Próbowałam).` has a choice" in told


def test_a_folder_without_phrases_is_told(shell: Any, tmp_path: Path) -> None:
    status, told = shell("phrases", "check", str(tmp_path / "none"))

    assert status == 2
    assert "there is no phrasebook" in told
