"""The configuration: what it reads, and how it tells what is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.credentials import Field, Secret
from config.settings import ConfigError, Settings, load, parse

KINDS = {
    "telegram": (
        Field(name="token", label="Bot token", secret=True),
        Field(name="mode", label="Mode", default="polling", choices=("polling", "webhook")),
        Field(name="api_base", label="API", default="https://api.telegram.org"),
    )
}
GOOD = """
[gateway]
port = 9000
data_dir = "things"

[channels.tg]
kind = "telegram"
token = "${TOKEN}"

[desk]
channel = "C0SUPPORT"
bot_token = "xoxb-1"
app_token = "xapp-1"

[[agents]]
slack_user_id = "U0ANA"
name = "Ana"
languages = ["en", "pt-BR"]
skills = ["billing"]

[[agents]]
slack_user_id = "U0BEN"
name = "Ben"

[translation]
engines = ["phrasebook"]
[translation.glossary]
keep = ["AirFryer X2"]
[[translation.glossary.terms]]
en = "gift card"
pt-BR = "vale-presente"

[routing]
reopen_window = "2d"
[[routing.skills]]
name = "billing"
keywords.en = ["invoice"]
"""


def read(text: str) -> Settings:
    return parse(text, Path("/etc/dragoman.toml"), KINDS, {"TOKEN": "1:a"})


def test_what_is_written_is_what_is_read() -> None:
    settings = read(GOOD)

    assert settings.gateway.port == 9000
    assert settings.gateway.data_dir == Path("/etc/things")
    assert settings.channels["tg"].secrets["token"] == Secret("1:a")
    assert settings.channels["tg"].values["mode"] == "polling"
    assert [agent.languages for agent in settings.policy.agents] == [("en", "pt-br"), ("en",)]
    assert settings.policy.skills[0].keywords == {"en": ("invoice",)}
    assert settings.policy.reopen_window == timedelta(days=2)
    assert settings.translation.keep == ("AirFryer X2",)
    assert settings.translation.terms == ({"en": "gift card", "pt-br": "vale-presente"},)


@pytest.mark.parametrize(
    ("was", "now", "told"),
    [
        ('token = "${TOKEN}"', 'tokn = "x"', "8: channels.tg.tokn: unknown key; did you mean token?"),
        ('token = "${TOKEN}"', "", "6: channels.tg.token: is missing: add it"),
        ("${TOKEN}", "${TOKN}", "8: channels.tg.token: the environment has no variable TOKN"),
        ("${TOKEN}", "", "8: channels.tg.token: is empty"),
        ('kind = "telegram"', 'kind = "telegramm"', "7: channels.tg.kind: must be one of telegram,"),
        ("port = 9000", 'port = "9000"', "3: gateway.port: must be a whole number from 0 to 65535, not '9000'"),
        ("port = 9000", "port = 70000", "3: gateway.port: must be a whole number"),
        ("port = 9000", 'key = "x"', "3: gateway.key: must have at least 16 characters"),
        ("port = 9000", 'store = "redis://x,y"', "3: gateway.store: several servers need redis+cluster:// or"),
        ("port = 9000", 'public_url = "me"', "3: gateway.public_url: must be an address such as https://"),
        ("[gateway]", "[gatway]", "2: gatway: unknown key; did you mean gateway?"),
        ('channel = "C0SUPPORT"', 'channel = "#support"', "11: desk.channel: must be the channel's id, such as"),
        ('channel = "C0SUPPORT"', "channel = 5", "11: desk.channel: must be a text in quotes, not 5"),
        ('app_token = "xapp-1"', 'mode = "http"', "desk.signing_secret: is missing"),
        ('app_token = "xapp-1"', "", "desk.app_token: is missing"),
        ('name = "Ben"', 'name = "Ben"\nskils = []', "24: agents[1].skils: unknown key; did you mean skills?"),
        ('skills = ["billing"]', 'skills = ["bills"]', "19: agents[0].skills: there is no skill 'bills'"),
        ('languages = ["en", "pt-BR"]', 'languages = ["English!"]', "18: agents[0].languages: must be language codes"),
        ('languages = ["en", "pt-BR"]', 'languages = "en"', "18: agents[0].languages: must be a list of texts"),
        ('engines = ["phrasebook"]', 'engines = ["deepl"]', "translation.deepl.api_key: is missing"),
        ('engines = ["phrasebook"]', 'engines = ["openai"]', "translation.openai.model: is missing"),
        (
            'app_token = "xapp-1"',
            'app_token = "xapp-1"\ncall_link = "https://meet.example.com/"',
            "desk.call_link: must be an address with {room}",
        ),
        (
            "[translation.glossary]",
            '[translation.azure]\nurl = "me"\n[translation.glossary]',
            "azure.url: must be an address",
        ),
        (
            "[translation.glossary]",
            '[translation.firefox]\nmirror = "ftp://x"\n[translation.glossary]',
            "firefox.mirror: must be a",
        ),
        ('en = "gift card"\n', "", "glossary.terms[0].pt-BR: needs two languages"),
        ('en = "gift card"', 'english! = "x"', "isn't TOML"),
        ('en = "gift card"', '"gift card" = "x"', "terms[0].gift card: must be language codes"),
        ('engines = ["phrasebook"]', 'engines = ["babel"]', "translation.engines: there is no engine 'babel'"),
        ('reopen_window = "2d"', 'reopen_window = "soon"', "routing.reopen_window: must be a duration such as"),
        ("[routing]", "[routing", "isn't TOML"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_cure(was: str, now: str, told: str) -> None:
    assert was in GOOD
    with pytest.raises(ConfigError) as error:
        read(GOOD.replace(was, now, 1))

    assert told in str(error.value)
    assert str(error.value).startswith("/etc/dragoman.toml:")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("mirror", "read_as"),
    [
        pytest.param("https://models.example.com/", "https://models.example.com", id="an address"),
        pytest.param("stick/models", "/etc/stick/models", id="a folder beside the file"),
        pytest.param("/mnt/models", "/mnt/models", id="a folder elsewhere"),
        pytest.param("", "", id="none"),
    ],
)
def test_a_mirror_is_an_address_or_a_folder(mirror: str, read_as: str) -> None:
    settings = read(
        GOOD.replace("[translation.glossary]", f'[translation.firefox]\nmirror = "{mirror}"\n[translation.glossary]')
    )

    assert settings.translation.firefox_mirror == read_as


def test_a_configuration_may_leave_its_channels_to_the_store() -> None:
    assert read('[desk]\nchannel = "C"\nbot_token = "x"\napp_token = "y"\n').channels == {}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load(tmp_path / "dragoman.toml", KINDS)


def test_a_secret_shows_nothing() -> None:
    secret = Secret("xoxb-123")

    assert "123" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "xoxb-123"
    assert "xoxb" not in repr(read(GOOD).desk)
