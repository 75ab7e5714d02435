"""Making the translation engines that the configuration names."""

from collections.abc import Callable, Mapping
from pathlib import Path

from config.settings import Settings
from gateway.measures import TRANSLATED, count
from translation.apertium import Apertium
from translation.argos import Argos
from translation.chain import Chain
from translation.contract import Engine
from translation.firefox import Firefox
from translation.libretranslate import LibreTranslate
from translation.models import Models
from translation.packages import Packages, argostranslate_folder
from translation.phrasebook import Phrasebook

PACKAGES = "packages"
"""The folder of Argos packages within the data directory."""

MODELS = "models"
"""The folder of Firefox's models within it."""


def make_chain(settings: Settings, phrasebook: Phrasebook) -> Chain:
    """Make the engines, in the order that the configuration has."""
    translation = settings.translation
    makers: Mapping[str, Callable[[], Engine]] = {
        "phrasebook": lambda: phrasebook,
        "firefox": lambda: Firefox(models(settings)),
        "argos": lambda: Argos(packages(settings)),
        "apertium": Apertium,
        "libretranslate": lambda: LibreTranslate(
            translation.libretranslate_url, api_key=translation.libretranslate_key.reveal()
        ),
    }
    engines = [makers[name]() for name in translation.engines]
    return Chain(engines, keep=translation.keep, count=lambda engine, outcome: count(TRANSLATED, engine, outcome))


def models(settings: Settings) -> Models:
    """Find the installed models of Firefox Translations."""
    return Models(settings.gateway.data_dir / MODELS)


def packages(settings: Settings) -> Packages:
    """Find the installed Argos packages: ours, and those that argostranslate has."""
    return Packages(settings.gateway.data_dir / PACKAGES, others=[Path(argostranslate_folder())])
