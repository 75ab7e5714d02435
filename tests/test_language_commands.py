"""Translation models from the shell: listing, importing and removing them."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main

TINY = Path(__file__).parent / "fixtures" / "argos"
CONFIGURATION = """
[desk]
kind = "slack"
channel = "C0SUPPORT"
bot_token = "xoxb-1"
app_token = "xapp-1"
"""


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ARGOS_PACKAGES_DIR", str(tmp_path / "argostranslate"))
    (tmp_path / "dragoman.toml").write_text(CONFIGURATION)

    def run(*arguments: str) -> tuple[int, str]:
        status = main(["languages", *arguments, "-c", str(tmp_path / "dragoman.toml")])
        return status, "".join(capsys.readouterr())

    return run


def test_a_package_is_imported_listed_and_removed(shell: Any, tmp_path: Path) -> None:
    assert shell("list") == (
        0,
        f"no language package is in {tmp_path}/data/packages: `dragoman languages import FILE.argosmodel`\n",
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
    assert "no language package" in shell("list")[1]


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
