"""`dragoman languages`: which translation models are there, and getting or removing them."""

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path

from adapters.http import open_session
from config.settings import Settings
from config.tables import ConfigError
from gateway.commands import Finding
from gateway.engines import models, packages
from routing.languages import language_name
from translation import fetch
from translation.argos import try_out
from translation.argos_index import ArgosIndex
from translation.contract import Pair
from translation.download import Downloads
from translation.fetch import Source, Tell
from translation.firefox import unusable
from translation.models import Model, ModelError
from translation.packages import Package
from translation.phrasebook import Phrasebook
from translation.records import needed

TAKEN_UP = "installed; a running gateway has it already"


def list_languages(settings: Settings) -> Iterator[Finding]:
    """Say which models and packages are installed, and what is wrong with those that can't be used."""
    ready, packed = models(settings).inventory(), packages(settings).inventory()
    for model in sorted(ready.models.values(), key=lambda each: each.pair):
        yield _model(model, "")
    for package in sorted(packed.packages.values(), key=lambda each: each.pair):
        yield _package(package, "" if package.ours else f", argostranslate's own in {package.folder.parent}")
    if not ready.models and not packed.packages:
        folder = settings.gateway.data_dir
        yield Finding(f"no model is in {folder}: `dragoman languages install es` fetches those for Spanish")
    for fault in (*ready.faults, *packed.faults):
        yield Finding(f"FAIL  {fault}", {"fault": fault}, good=False)


def check_phrases(folder: Path | None) -> Iterator[Finding]:
    """Say what is wrong with the phrasebook's files, of a folder or our own: gaps, other slots, ambiguous wordings.

    Raises:
        ConfigError: there are none.
    """
    if folder is not None and not any(folder.glob("*.txt")):
        raise ConfigError(f"{folder}: there is no phrasebook, no file such as es.txt")
    faults = list(Phrasebook.faults(folder))
    for fault in faults:
        yield Finding(f"FAIL  {fault}", {"fault": fault}, good=False)
    if faults:
        return
    book = Phrasebook.load(folder)
    keys = book.keys()
    for language in sorted({pair.source for pair in book.pairs()}):
        wordings = sum(len(book.wordings(key, language)) for key in keys)
        told = {"language": language, "phrases": len(keys), "wordings": wordings}
        yield Finding(f"ok    {language_name(language)}: {len(keys)} phrases in {wordings} wordings", told)


async def install(
    settings: Settings, languages: Sequence[str], tell: Tell, *, engine: str = ""
) -> AsyncIterator[Finding]:
    """Fetch what translates between the desk's language and others, for `engine`, or for the one that can use it.

    Raises:
        ConfigError: a language is the desk's own.
        ModelError: there is no model, or it can't be fetched, verified or used.
        PackageError: a package isn't whole, or doesn't work.
    """
    for language in languages:
        _both_ways(settings, language)
    engine = engine or _engine(settings)
    async with open_session() as session:
        getting = _install_argos if engine == "argos" else _install_firefox
        async for finding in getting(settings, languages, tell, Downloads(session)):
            yield finding
    if engine not in settings.translation.engines:
        told = f"{settings.file}: translation.engines doesn't name {engine}, so that these models aren't used: add it"
        yield Finding(told, {"fault": told}, good=False)


def _engine(settings: Settings) -> str:
    """Choose whose models to get: Firefox's are better, where they are asked and work."""
    asked = settings.translation.engines
    firefox = "firefox" in asked and not unusable()
    return "argos" if "argos" in asked and not firefox else "firefox"


async def _install_firefox(
    settings: Settings, languages: Sequence[str], tell: Tell, downloads: Downloads
) -> AsyncIterator[Finding]:
    source = Source(settings.translation.firefox_mirror, downloads)
    there = await source.offers()
    if source.mozilla:
        yield Finding(fetch.TERMS, {"terms": fetch.TERMS})
    for pair in _needed(settings, languages, source.index, there):
        if fetch.installed(models(settings), there[pair]):
            yield _model(models(settings).inventory().models[pair], ": is there already")
        else:
            yield _model(await fetch.install(models(settings), source, there[pair], tell), f": {TAKEN_UP}")


async def _install_argos(
    settings: Settings, languages: Sequence[str], tell: Tell, downloads: Downloads
) -> AsyncIterator[Finding]:
    index = ArgosIndex(settings.translation.argos_index, downloads)
    there = await index.offers()
    ready = packages(settings)
    for pair in _needed(settings, languages, index.place, there):
        package = ready.inventory().packages.get(pair)
        if package is not None and package.version == there[pair].package_version:
            yield _package(package, ": is there already")
        else:
            made = await index.install(ready, there[pair], partial(tell, pair, "package"), try_out)
            yield _package(made, f": {TAKEN_UP}")


async def mirror(settings: Settings, into: Path, languages: Sequence[str], tell: Tell) -> AsyncIterator[Finding]:
    """Make a folder that other machines install from: what languages need, or what is installed here.

    Raises:
        ConfigError: nothing is named, and nothing installed.
        ModelError: there is no model, or it can't be fetched or written.
    """
    async with open_session() as session:
        source = Source(settings.translation.firefox_mirror, Downloads(session))
        there = await source.offers()
        here = [*models(settings).inventory().models]
        pairs = _needed(settings, languages, source.index, there) if languages else here
        if not pairs:
            raise ConfigError("name the languages: none is installed here")
        for pair in pairs:
            if pair not in there:
                raise ModelError(f"{source.index} has no model {pair.source} → {pair.target}")
            await fetch.mirror(source, into, [there[pair]], tell)
            fields = {"source": pair.source, "target": pair.target, "folder": str(into)}
            yield Finding(f"{pair.source} → {pair.target}: in {into}", fields)
    told = f'where models are to be installed set translation.firefox.mirror = "{into}", or the address it is served at'
    yield Finding(told, {"mirror": str(into)})


def import_package(settings: Settings, file: Path) -> Finding:
    """Install an `.argosmodel` file, in place of what is there for its direction.

    Raises:
        PackageError: it isn't a whole and safe package, or doesn't work here.
    """
    return _package(packages(settings).install(file, replace=True, check=try_out), f": {TAKEN_UP}")


def remove(settings: Settings, languages: Sequence[str]) -> Iterator[Finding]:
    """Remove what translates between the desk's language and others.

    Raises:
        ConfigError: a language is the desk's own.
        ModelError: there is nothing of a language, or it can't be removed.
        PackageError: a package can't be removed.
    """
    ready, packed = models(settings), packages(settings)
    for language in languages:
        pairs = _both_ways(settings, language)
        mine = [pair for pair in pairs if pair in ready.inventory().models]
        ours = [package for pair, package in packed.inventory().packages.items() if pair in pairs and package.ours]
        if not mine and not ours:
            raise ModelError(f"nothing of ours is installed for {language}: see `dragoman languages list`")
        for pair in mine:
            yield _model(ready.remove(pair), ": removed")
        for package in ours:
            packed.remove(package.pair)
            yield _package(package, ": removed")


def _needed(settings: Settings, languages: Sequence[str], index: str, there: Collection[Pair]) -> list[Pair]:
    try:
        pairs = [pair for language in languages for pair in needed(language, settings.policy.desk_language, there)]
    except ModelError as error:
        raise ModelError(f"{index}: {error}") from error
    return list(dict.fromkeys(pairs))


def _both_ways(settings: Settings, language: str) -> tuple[Pair, Pair]:
    """Give both directions of a language with the desk's."""
    desk = settings.policy.desk_language
    if language == desk:
        raise ConfigError(f"{language} is the desk's own language: name those that customers write")
    return Pair(language, desk), Pair(desk, language)


def _model(model: Model, told: str) -> Finding:
    fields = {
        "engine": "firefox",
        "source": model.source,
        "target": model.target,
        "version": model.version,
        "architecture": model.architecture,
        "bytes": model.size,
        "origin": model.origin,
    }
    return Finding(f"firefox  {model}{told}", fields)


def _package(package: Package, told: str) -> Finding:
    fields = {
        "engine": "argos",
        "source": package.pair.source,
        "target": package.pair.target,
        "version": package.version,
        "folder": str(package.folder),
    }
    return Finding(f"argos    {package}{told}", fields)
