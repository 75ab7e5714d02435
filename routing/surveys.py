"""Asking a customer how it was once a conversation is closed, and reading what they answer: one to five."""

import re
from datetime import timedelta

from msgspec.structs import replace

from routing import texts
from routing.contents import EPOCH
from routing.effects import Effect, Note, TellCustomer, UpdateCard
from routing.events import CustomerWrote, SurveyDue
from routing.policy import Policy
from routing.state import Conversation, Decision, Reminder, Status, card, latest

PATIENCE = timedelta(days=7)
"""How long an answer counts, and how long nobody is asked again."""

SECOND_THOUGHTS = timedelta(minutes=10)
"""How long a later answer takes an earlier one's place."""

HEARD = timedelta(hours=23)
"""Who hasn't written for so long isn't asked: platforms take no message of ours a day after the customer's last."""

BEST = 5
SATISFIED = 4
"""The lowest answer of somebody who is satisfied; who gives less is asked what went wrong."""

LONGEST = 24
"""Characters of an answer at most: `4 out of 5`, or five stars with what emoji have about them."""

_DIGIT = re.compile(r"\W*(\d)\s*(?:(?:/|[^\W\d_]{1,4}(?:\s[^\W\d_]{1,4})?)\s*5)?\W*")
_STARS = re.compile(r"(?:[⭐★🌟☆✩]\N{VARIATION SELECTOR-16}?\s*)+")
_THUMB = re.compile(r"([👍👎])[\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}-\N{EMOJI MODIFIER FITZPATRICK TYPE-6}]?")


def remind(was: Conversation, policy: Policy) -> tuple[Reminder, ...]:
    """Have the customer of a conversation that was just closed be asked in a while, where an admin wants it."""
    if not policy.survey_after:
        return ()
    due = was.closed_at + policy.survey_after
    id_ = f"survey:{was.contact}:{was.number}:{was.closed_at.isoformat()}"
    event = SurveyDue(id=id_, to=was.contact, at=due, closed_at=was.closed_at)
    return (Reminder(f"survey:{was.contact}", due, event),)


def survey_due(was: Conversation, event: SurveyDue) -> Decision:
    """Ask how it was, unless the conversation went on, no agent answered in it, or it can't or needn't be asked.

    What became due while nothing ran is taken up later.
    """
    at = max(event.at, event.facts.at)
    went_on = was.status is not Status.CLOSED or was.closed_at != event.closed_at
    late = at - was.heard_at > HEARD or at - was.surveyed_at < PATIENCE
    if went_on or late or was.unreachable or not was.replies:
        return Decision(was)
    ask = TellCustomer(text=texts.SURVEY_TEXT, source="en", language=was.language, phrase=texts.SURVEY)
    return Decision(replace(was, surveyed_at=at, rates_until=at + PATIENCE), (ask,))


def rating_in(was: Conversation, event: CustomerWrote) -> int:
    """Read an answer to the question how it was, 1 to 5; 0 where it isn't one, or nobody asked."""
    if event.at > was.rates_until or event.attachment or event.files or was.asked_at > EPOCH:
        return 0
    return read_rating(event.text)


def read_rating(text: str) -> int:
    """Read `4`, `4/5`, `4 of 5`, stars or a thumb; 0 for anything else."""
    said = text.strip()
    if len(said) > LONGEST:
        return 0
    if digit := _DIGIT.fullmatch(said):
        return int(digit[1]) if 1 <= int(digit[1]) <= BEST else 0
    if _STARS.fullmatch(said):
        count = sum(said.count(star) for star in "⭐★🌟")
        return count if count <= BEST else 0
    thumb = _THUMB.fullmatch(said)
    return 0 if not thumb else BEST if thumb[1] == "👍" else 1


def rated(heard: Conversation, event: CustomerWrote, rating: int, tell: tuple[Effect, ...]) -> Decision:
    """Keep how it was, and thank for it; nothing opens again by it."""
    number = str(heard.number)
    now = replace(
        heard,
        ratings=latest(heard.ratings, {number: rating}),
        rates_until=min(heard.rates_until, event.at + SECOND_THOUGHTS),
    )
    unhappy = rating < SATISFIED
    note = Note(text=texts.rated(rating), mention=heard.assignee if unhappy else "")
    effects = (UpdateCard(card=card(now)), *tell, note)
    if number in heard.ratings:
        return Decision(now, effects)
    phrase, text = (texts.SORRY, texts.SORRY_TEXT) if unhappy else (texts.THANKS, texts.THANKS_TEXT)
    return Decision(now, (*effects, TellCustomer(text=text, source="en", language=now.language, phrase=phrase)))
