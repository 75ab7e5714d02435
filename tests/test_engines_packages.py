"""Language packages on disk: safe to install, harmless when broken, found under the names people use."""

import hashlib
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from translation.contract import Pair
from translation.packages import PackageError, Packages, argostranslate_folder, serving, tag

TINY = Path(__file__).parent / "fixtures" / "argos" / "tiny-es-en.argosmodel"
METADATA = {"from_code": "es", "to_code": "en", "package_version": "1.9"}
WHOLE = {
    "es_en/metadata.json": json.dumps(METADATA),
    "es_en/model/model.bin": "weights",
    "es_en/model/config.json": "{}",
    "es_en/sentencepiece.model": "pieces",
}
Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a zip of the whole package, changed by `files`; None leaves a file out."""

    def write(files: dict[str, str | None] | None = None, *extra: zipfile.ZipInfo) -> Path:
        path = tmp_path / "made.argosmodel"
        with zipfile.ZipFile(path, "w") as pack:
            for name, text in (WHOLE | (files or {})).items():
                if text is not None:
                    pack.writestr(name, text)
            for info in extra:
                pack.writestr(info, "/etc/passwd")
        return path

    return write


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "languages", others=[tmp_path / "argos-translate"])


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def spoiled(metadata: object) -> dict[str, str | None]:
    return {"es_en/metadata.json": json.dumps(metadata)}


def test_installs_lists_and_removes(packages: Packages) -> None:
    package = packages.install(TINY, sha256=hashlib.sha256(TINY.read_bytes()).hexdigest())

    assert str(package) == "es → en (version 0.0.test, for tests only)"
    assert packages.inventory().packages == {Pair("es", "en"): package}

    packages.remove(Pair("es", "en"))

    assert packages.inventory().packages == {}
    assert list(packages.folder.iterdir()) == []


def test_a_package_without_a_folder_of_its_own_is_fine(packages: Packages, make: Make, tmp_path: Path) -> None:
    flat = {name.removeprefix("es_en/"): text for name, text in WHOLE.items()}
    package = packages.install(make({**dict.fromkeys(WHOLE), **flat, "__MACOSX/metadata.json": "{"}))

    assert (package.folder / "model" / "model.bin").read_text() == "weights"


@pytest.mark.parametrize(
    ("files", "extra", "says"),
    [
        pytest.param({"es_en/metadata.json": None}, [], "it has no metadata.json", id="no metadata"),
        pytest.param({"en_es/metadata.json": "{}"}, [], "it has 2 metadata.json", id="two packages"),
        pytest.param({"es_en/metadata.json": "{"}, [], "can't be read", id="metadata isn't JSON"),
        pytest.param(spoiled([]), [], "isn't a translation package", id="metadata is a list"),
        pytest.param(spoiled(METADATA | {"type": "sbd"}), [], "isn't a translation package", id="another kind"),
        pytest.param(spoiled({"from_code": "es"}), [], "no valid to_code", id="no to_code"),
        pytest.param(spoiled(METADATA | {"from_code": "../x"}), [], "no valid from_code", id="odd from_code"),
        pytest.param({"es_en/model/model.bin": None}, [], "no model/model.bin", id="no model"),
        pytest.param({"es_en/sentencepiece.model": None}, [], "none of sentencepiece.model", id="no tokenizer"),
        pytest.param({"../evil": "x"}, [], "isn't safe.*'../evil' outside", id="traversal"),
        pytest.param({"/etc/evil": "x"}, [], "isn't safe.*'/etc/evil' outside", id="absolute"),
        pytest.param({"es_en\\..\\evil": "x"}, [], "isn't safe", id="backslashes"),
        pytest.param({}, [link("es_en/model/link")], "is a link", id="symlink"),
        pytest.param({"es_en//metadata.json": "x"}, [], "twice", id="a name twice"),
        pytest.param({f"es_en/{n}": "" for n in range(2001)}, [], "too large", id="too many files"),
    ],
)
def test_refuses(
    packages: Packages, make: Make, files: dict[str, str | None], extra: list[zipfile.ZipInfo], says: str
) -> None:
    with pytest.raises(PackageError, match=says):
        packages.install(make(files, *extra))

    assert list(packages.folder.iterdir()) == []


def test_refuses_a_download_cut_short(packages: Packages, tmp_path: Path) -> None:
    short = tmp_path / "short.argosmodel"
    short.write_bytes(TINY.read_bytes()[:500_000])

    with pytest.raises(PackageError, match="isn't a whole zip archive, fetch it again"):
        packages.install(short)


def test_refuses_a_download_damaged_inside(packages: Packages, tmp_path: Path) -> None:
    whole = TINY.read_bytes()
    damaged = tmp_path / "damaged.argosmodel"
    damaged.write_bytes(whole[:300_000] + bytes(64) + whole[300_064:])

    with pytest.raises(PackageError, match="isn't a whole zip archive, fetch it again"):
        packages.install(damaged)


def test_refuses_a_file_that_is_another_or_none(packages: Packages, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="its SHA-256 is"):
        packages.install(TINY, sha256="0" * 64)
    with pytest.raises(PackageError, match="isn't there"):
        packages.install(tmp_path / "none.argosmodel")


def test_a_second_package_for_a_pair_replaces_only_when_told_to(packages: Packages, make: Make) -> None:
    packages.install(TINY)

    with pytest.raises(PackageError, match="is installed already: remove it first, or replace it"):
        packages.install(make())
    assert packages.install(make(), replace=True).version == "1.9"
    assert [package.version for package in packages.inventory().packages.values()] == ["1.9"]


def test_broken_packages_are_named_and_affect_no_other(packages: Packages) -> None:
    packages.install(TINY)
    (packages.folder / "notes").mkdir()
    (packages.folder / "__MACOSX").mkdir()
    (packages.folder / "es_de").mkdir()
    (packages.folder / "es_de" / "metadata.json").write_text("{")

    inventory = packages.inventory()

    assert list(inventory.packages) == [Pair("es", "en")]
    assert len(inventory.faults) == 2
    assert "es_de" in inventory.faults[0]
    assert "notes isn't a language package" in inventory.faults[1]


def test_what_argostranslate_installed_is_used_but_never_touched(packages: Packages, tmp_path: Path) -> None:
    foreign = tmp_path / "argos-translate"
    foreign.mkdir()
    with zipfile.ZipFile(TINY) as pack:
        pack.extractall(foreign)

    assert not packages.inventory().packages[Pair("es", "en")].ours
    with pytest.raises(PackageError, match="it belongs to argostranslate, in"):
        packages.remove(Pair("es", "en"))

    packages.install(TINY)

    assert packages.inventory().packages[Pair("es", "en")].ours


def test_removing_what_isnt_there_says_so(packages: Packages) -> None:
    with pytest.raises(PackageError, match="no package de → en of ours to remove"):
        packages.remove(Pair("de", "en"))


def test_argostranslates_folder_follows_its_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ARGOS_PACKAGES_DIR", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert argostranslate_folder() == tmp_path / "argos-translate" / "packages"

    monkeypatch.setenv("ARGOS_PACKAGES_DIR", str(tmp_path / "here"))
    assert argostranslate_folder() == tmp_path / "here"


@pytest.mark.parametrize(
    ("code", "known_as"),
    [("pb", "pt-br"), ("pt-BR", "pt-br"), ("zt", "zh-hant"), ("zh_TW", "zh-hant"), ("zh-Hans", "zh"), ("EN", "en")],
)
def test_languages_have_one_name(code: str, known_as: str) -> None:
    assert tag(code) == known_as


@pytest.mark.parametrize(
    ("wanted", "offered", "served_by"),
    [
        (("es-mx", "en"), ("es", "en"), ("es", "en")),
        (("pt-br", "en-gb"), ("pt", "en"), ("pt", "en")),
        (("pt", "en"), ("pt-br", "en"), ("pt-br", "en")),
        (("zh-cn", "en"), ("zh", "en"), ("zh", "en")),
        (("en", "zh-tw"), ("en", "zh"), None),
        (("en", "zh"), ("en", "zh-hant"), None),
        (("no", "en"), ("nb", "en"), ("nb", "en")),
        (("es", "en"), ("en", "es"), None),
    ],
)
def test_the_nearest_direction_serves(
    wanted: tuple[str, str], offered: tuple[str, str], served_by: tuple[str, str] | None
) -> None:
    assert serving(Pair(*wanted), [Pair(*offered)]) == (served_by and Pair(*served_by))
