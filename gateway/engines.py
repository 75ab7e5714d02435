"""Making the translation engines that the configuration names."""

from collections.abc import Callable, Mapping
from pathlib import Path

from config.settings import Settings
from gateway.measures import CHARACTERS, count
from gateway.tally import Tally
from translation.apertium import Apertium
from translation.argos import Argos
from translation.azure import Azure
from translation.chain import Chain
from translation.contract import Engine
from translation.deepl import DeepL
from translation.firefox import Firefox
from translation.glossary import Glossary
from translation.google import Google
from translation.libretranslate import LibreTranslate
from translation.models import Models
from translation.openai import OpenAI
from translation.packages import Packages, argostranslate_folder
from translation.phrasebook import Phrasebook

PACKAGES = "packages"
"""The folder of Argos packages within the data directory."""

MODELS = "models"
"""The folder of Firefox's models within it."""


def make_chain(settings: Settings, phrasebook: Phrasebook, tally: Tally | None = None) -> Chain:
    """Make the engines, in the order that the configuration has."""
    translation, services = settings.translation, settings.translation.services
    glossary = Glossary(translation.keep, translation.terms)

    def url(name: str) -> str:
        return services[name].url

    def key(name: str) -> str:
        return services[name].key.reveal()

    makers: Mapping[str, Callable[[], Engine]] = {
        "phrasebook": lambda: phrasebook,
        "firefox": lambda: Firefox(models(settings)),
        "argos": lambda: Argos(packages(settings)),
        "apertium": Apertium,
        "libretranslate": lambda: LibreTranslate(url("libretranslate"), api_key=key("libretranslate")),
        "deepl": lambda: DeepL(key("deepl"), url=url("deepl")),
        "google": lambda: Google(key("google"), url=url("google")),
        "azure": lambda: Azure(key("azure"), region=services["azure"].region, url=url("azure")),
        "openai": lambda: OpenAI(key("openai"), model=services["openai"].model, glossary=glossary, url=url("openai")),
    }
    engines = [makers[name]() for name in translation.engines]
    return Chain(
        engines,
        glossary=glossary,
        note=(tally or Tally()).note,
        spend=lambda engine, characters: count(CHARACTERS, engine, by=characters),
    )


def models(settings: Settings) -> Models:
    """Find the installed models of Firefox Translations."""
    return Models(settings.gateway.data_dir / MODELS)


def packages(settings: Settings) -> Packages:
    """Find the installed Argos packages: ours, and those that argostranslate has."""
    return Packages(settings.gateway.data_dir / PACKAGES, others=[Path(argostranslate_folder())])
