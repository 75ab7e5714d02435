"""Which agent gets a conversation, and why: skill and room first, then language, history, load and rest."""

from collections.abc import Iterable, Sequence

import msgspec

from routing.contents import EPOCH, Standing
from routing.policy import Agent, Policy, Skill


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """How an agent fared: `fits` says they could take it, `why` what spoke for or against them."""

    agent: str
    name: str
    fits: bool
    why: str


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Who was chosen ("" for nobody), and every candidate, best first."""

    agent: str
    candidates: tuple[Candidate, ...]

    @property
    def why(self) -> tuple[str, ...]:
        """Say it for the card, a line each: the one chosen, then those passed over."""
        return tuple(f"{candidate.name}: {candidate.why}" for candidate in self.candidates)


def choose(
    policy: Policy, roster: Iterable[Standing], *, language: str, skill: str, talked: Sequence[str] = ()
) -> Choice:
    """Choose among the agents who are available, have the skill and have room.

    `talked` are the agents who talked with this customer before, the latest last.
    """
    standing = {each.agent: each for each in roster}
    ranked = []
    for agent in policy.agents:
        now = standing.get(agent.id, Standing(agent=agent.id))
        against = _against(agent, now, skill, policy)
        speaks = speaks_language(agent, language)
        knows = agent.id in talked
        rank = (bool(against), not speaks, not knows, now.load / max(agent.capacity, 1), now.idle_since, agent.id)
        why = against or _reasons(agent, now, language, speaks, knows)
        ranked.append((rank, Candidate(agent=agent.id, name=agent.name, fits=not against, why=why)))
    candidates = tuple(candidate for _, candidate in sorted(ranked, key=lambda pair: pair[0]))
    best = candidates[0] if candidates and candidates[0].fits else None
    return Choice(agent=best.agent if best else "", candidates=candidates)


def speaks_language(agent: Agent, language: str) -> bool:
    """Say whether an agent can do without translation; a region makes no difference."""
    return bool(language) and _primary(language) in map(_primary, agent.languages)


def find_skill(policy: Policy, text: str, language: str, *, channel: str = "", entry: str = "") -> str:
    """Name the skill that a customer asks for: by the link they came by, their words, or their channel; "" for none.

    Of several skills whose keywords are in the words, the one with most of them.
    """
    words = text.casefold()
    best = max(policy.skills, key=lambda skill: _matches(skill, words, language), default=None)
    by_words = best if best and _matches(best, words, language) else None
    by_link = next((skill for skill in policy.skills if entry and entry in skill.links), None)
    by_channel = next((skill for skill in policy.skills if channel in skill.channels), None)
    found = by_link or by_words or by_channel
    return found.name if found else ""


def _matches(skill: Skill, words: str, language: str) -> int:
    known = [group for tag, group in skill.keywords.items() if not language or _primary(tag) == _primary(language)]
    return sum(keyword.casefold() in words for group in known or skill.keywords.values() for keyword in group)


def _against(agent: Agent, now: Standing, skill: str, policy: Policy) -> str:
    if skill not in (policy.default_skill, *agent.skills):
        return f"lacks the skill {skill}"
    if now.away:
        return "away"
    if now.load >= agent.capacity:
        return f"no room ({now.load} of {agent.capacity})"
    return ""


def _reasons(agent: Agent, now: Standing, language: str, speaks: bool, knows: bool) -> str:
    reasons = [f"speaks {language}" if speaks else "through translation"]
    if knows:
        reasons.append("talked with this customer before")
    reasons.append(f"has {now.load} of {agent.capacity}")
    if now.idle_since > EPOCH:
        reasons.append(f"last assigned {now.idle_since:%H:%M} UTC")
    return ", ".join(reasons)


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()
