"""The menu by which a customer says what they write about, where their words don't: a number or a name answers it."""

import re

from routing import texts
from routing.effects import TellCustomer
from routing.policy import Policy
from routing.state import Conversation

_NUMBER = re.compile(r"\W*(\d{1,2})\W*")


def offer(now: Conversation, policy: Policy) -> TellCustomer:
    """Ask the customer what it is about, in their language."""
    skills = [skill for skill in policy.skills if skill.menu]
    lines = tuple(f"{number}. {skill.label(now.language)}" for number, skill in enumerate(skills, 1))
    return TellCustomer(text=texts.MENU_TEXT, source="en", language=now.language, phrase=texts.MENU, lines=lines)


def chosen(text: str, policy: Policy) -> str:
    """Name the skill that an answer to the menu means, "" for none."""
    skills = [skill for skill in policy.skills if skill.menu]
    said = text.strip().casefold()
    if number := _NUMBER.fullmatch(said):
        index = int(number[1]) - 1
        return skills[index].name if 0 <= index < len(skills) else ""
    named = (skill.name for skill in skills if said in {label.casefold() for label in skill.menu.values()})
    return next(named, "")
