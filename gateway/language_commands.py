"""`dragoman languages`: which translation models are there, and getting or removing them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from config.settings import Settings
from config.tables import ConfigError
from gateway.commands import Finding
from gateway.engines import packages
from translation.contract import Pair
from translation.packages import Package, PackageError


def list_languages(settings: Settings) -> Iterator[Finding]:
    """Say which packages are installed, and what is wrong with those that can't be used."""
    inventory = packages(settings).inventory()
    for package in sorted(inventory.packages.values(), key=lambda each: each.pair):
        yield _package(package, "" if package.ours else f", argostranslate's own in {package.folder.parent}")
    if not inventory.packages:
        folder = packages(settings).folder
        yield Finding(f"no language package is in {folder}: `dragoman languages import FILE.argosmodel`")
    for fault in inventory.faults:
        yield Finding(f"FAIL  {fault}", {"fault": fault}, good=False)


def import_package(settings: Settings, file: Path) -> Finding:
    """Install an `.argosmodel` file, in place of what is there for its direction.

    Raises:
        PackageError: it isn't a whole and safe package.
    """
    return _package(packages(settings).install(file, replace=True), ": installed; a running gateway has it already")


def remove(settings: Settings, languages: Sequence[str]) -> Iterator[Finding]:
    """Remove what translates between the desk's language and others.

    Raises:
        ConfigError: a language is the desk's own.
        PackageError: there is nothing of a language, or it can't be removed.
    """
    installed = packages(settings)
    for language in languages:
        there = installed.inventory().packages
        mine = [there[pair] for pair in _both_ways(settings, language) if pair in there and there[pair].ours]
        if not mine:
            raise PackageError(f"nothing of ours is installed for {language}: see `dragoman languages list`")
        for package in mine:
            installed.remove(package.pair)
            yield _package(package, ": removed")


def _both_ways(settings: Settings, language: str) -> tuple[Pair, Pair]:
    """Give both directions of a language with the desk's."""
    desk = settings.policy.desk_language
    if language == desk:
        raise ConfigError(f"{language} is the desk's own language: name those that customers write")
    return Pair(language, desk), Pair(desk, language)


def _package(package: Package, told: str) -> Finding:
    fields = {
        "engine": "argos",
        "source": package.pair.source,
        "target": package.pair.target,
        "version": package.version,
        "folder": str(package.folder),
    }
    return Finding(f"argos  {package}{told}", fields)
