"""The admin's rules as plain values."""

import re
from datetime import timedelta

import msgspec

VARIABLES = ("name", "number", "agent")
"""What a saved reply may name: the customer, the conversation's number, who answers."""


_BRACES = re.compile(r"\{(\w*)\}")


class Skill(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of question.

    `keywords` by language tag suggest it, and so does coming by one of `channels` or `links`; `menu` is what it is
    called, by language tag, where customers are asked to choose.
    """

    name: str
    keywords: dict[str, tuple[str, ...]] = {}
    channels: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    menu: dict[str, str] = {}

    def label(self, language: str) -> str:
        """Say what it is called in a language, else in the first that there is."""
        primary = language.partition("-")[0]
        return self.menu.get(language) or self.menu.get(primary) or next(iter(self.menu.values()), self.name)


class SavedReply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is given again and again: `text` by language tag, with VARIABLES in braces."""

    name: str
    text: dict[str, str]

    def version(self, language: str, otherwise: str) -> str:
        """Name the version for a language: its own, else that of the desk's language, else the first."""
        wanted = (language, language.partition("-")[0], otherwise)
        return next((tag for tag in wanted if tag in self.text), next(iter(self.text)))


def unknown_variable(text: str) -> str:
    """Say which variable a saved reply names that there isn't, and which there are; "" where all is well."""
    known = ", ".join(f"{{{name}}}" for name in VARIABLES)
    return next(
        (f"there is no {{{word}}}; known: {known}" for word in _BRACES.findall(text) if word not in VARIABLES), ""
    )


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who answers at the desk; the first language is the one they read by default.

    `admin` says that they may come into the console.
    """

    id: str
    name: str
    languages: tuple[str, ...] = ("en",)
    skills: tuple[str, ...] = ()
    capacity: int = 4
    admin: bool = False


class DeskChannel(msgspec.Struct, frozen=True, kw_only=True):
    """A further channel of the desk's, by its `name` for agents and the platform's id.

    Conversations open there that fit all that is given: a skill, a language, a customers' channel, a priority.
    """

    name: str
    channel: str
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()

    def fits(self, *, skill: str, language: str, channel: str, priority: str) -> bool:
        """Say whether a conversation opens here; where nothing is given none does by itself."""
        wanted = (
            (self.skills, (skill,)),
            (self.languages, (language, language.partition("-")[0])),
            (self.channels, (channel,)),
            (self.priorities, (priority,)),
        )
        given = [(wants, has) for wants, has in wanted if wants]
        return bool(given) and all(set(wants) & set(has) for wants, has in given)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What decides where a conversation goes, and what agents can do; `call_link` has `{room}` in it, "" for none.

    The desk's first channel is called `desk_name`, `escalation` names the one that `!escalate` moves to, "" for none.
    With `direct_messages` agents are told in a message of their own what becomes theirs.
    With `only_assignee` nobody else answers in an open conversation unasked, with `confirm` every answer is shown
    before it goes, and for as long as `undo` deleting it stops it.
    `survey_after` is how long after a conversation is closed its customer is asked how it was, nothing for never.
    """

    desk_language: str = "en"
    agents: tuple[Agent, ...] = ()
    skills: tuple[Skill, ...] = ()
    default_skill: str = "general"
    replies: tuple[SavedReply, ...] = ()
    call_link: str = ""
    desk_name: str = "main"
    desks: tuple[DeskChannel, ...] = ()
    escalation: str = ""
    direct_messages: bool = False
    only_assignee: bool = False
    confirm: bool = False
    undo: timedelta = timedelta()
    reopen_window: timedelta = timedelta(hours=24)
    survey_after: timedelta = timedelta()

    def agent(self, id_: str) -> Agent | None:
        """Find an agent by the desk's user id."""
        return next((agent for agent in self.agents if agent.id == id_), None)

    def name_of(self, id_: str) -> str:
        """Say an agent's name, or the id of somebody who isn't listed."""
        known = self.agent(id_)
        return known.name if known else id_

    def desk_for(self, *, skill: str, language: str, channel: str, priority: str) -> str:
        """Say in which of the desk's channels a conversation opens, by its id; "" is the first."""
        fitting = (
            each for each in self.desks if each.fits(skill=skill, language=language, channel=channel, priority=priority)
        )
        return next((each.channel for each in fitting), "")

    def desk_called(self, name: str) -> str | None:
        """Find one of the desk's channels by its name: its id, "" for the first; None where there is none."""
        if name.casefold() == self.desk_name.casefold():
            return ""
        return next((each.channel for each in self.desks if each.name.casefold() == name.casefold()), None)

    def name_of_desk(self, channel: str) -> str:
        """Say what one of the desk's channels is called."""
        return next((each.name for each in self.desks if each.channel == channel), self.desk_name)

    @property
    def offers_menu(self) -> bool:
        """Say whether customers are asked what it is about."""
        return any(skill.menu for skill in self.skills)

    def has_skill(self, name: str) -> bool:
        """Say whether anybody may ask for a skill by this name."""
        return name == self.default_skill or any(skill.name == name for skill in self.skills)
