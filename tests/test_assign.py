"""Who gets a conversation, and why."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from routing.assign import choose, find_skill
from routing.contents import Standing
from routing.policy import Agent, Policy, Skill

MORNING = datetime(2026, 11, 24, 9, tzinfo=UTC)
POLICY = Policy(
    agents=(
        Agent(id="ana", name="Ana", languages=("en", "es"), skills=("billing",), capacity=4),
        Agent(id="ben", name="Ben", languages=("en",), skills=("billing",), capacity=2),
        Agent(id="cai", name="Cai", languages=("en", "pt-BR"), capacity=4),
    ),
    skills=(
        Skill(name="billing", keywords={"en": ("invoice", "refund"), "es": ("factura",)}),
        Skill(name="repairs", keywords={"en": ("broken",)}),
    ),
)


@pytest.mark.parametrize(
    ("standings", "language", "skill", "talked", "chosen"),
    [
        pytest.param({}, "es", "general", (), "ana", id="the language first"),
        pytest.param({}, "pt", "general", (), "cai", id="a region makes no difference"),
        pytest.param({"ana": {"load": 4}}, "es", "general", (), "ben", id="room before language"),
        pytest.param({"ana": {"away": True}}, "es", "billing", (), "ben", id="away is not available"),
        pytest.param({}, "fr", "general", ("cai",), "cai", id="then who talked with them before"),
        pytest.param(
            {"ana": {"load": 2}, "ben": {"load": 1}, "cai": {"load": 1}}, "fr", "general", (), "cai", id="load"
        ),
        pytest.param({"ana": {"idle_since": MORNING}}, "en", "billing", (), "ben", id="then the longest idle"),
        pytest.param({}, "en", "repairs", (), "", id="nobody has the skill"),
        pytest.param({agent: {"load": 9} for agent in ("ana", "ben", "cai")}, "en", "general", (), "", id="all full"),
    ],
)
def test_choice(
    standings: dict[str, dict[str, object]], language: str, skill: str, talked: tuple[str, ...], chosen: str
) -> None:
    roster = [Standing(agent=agent, **how) for agent, how in standings.items()]  # type: ignore[arg-type]

    choice = choose(POLICY, roster, language=language, skill=skill, talked=talked)

    assert choice.agent == chosen
    assert len(choice.why) == len(POLICY.agents)


def test_everybody_has_the_default_skill() -> None:
    assert choose(POLICY, [], language="en", skill="general").agent


def test_the_reasons_name_what_spoke_for_and_against() -> None:
    choice = choose(POLICY, [Standing(agent="ben", load=2)], language="es", skill="billing", talked=("ana",))

    assert choice.why == (
        "Ana: speaks es, talked with this customer before, has 0 of 4",
        "Cai: lacks the skill billing",
        "Ben: no room (2 of 2)",
    )


@pytest.mark.parametrize(
    ("text", "language", "skill"),
    [
        ("I want a REFUND of this invoice", "en", "billing"),
        ("¿Dónde está mi factura?", "es", "billing"),
        ("It arrived broken", "en", "repairs"),
        ("Wo ist meine Rechnung?", "de", ""),
        ("invoice", "", "billing"),
        ("", "", ""),
    ],
)
def test_the_words_suggest_the_skill(text: str, language: str, skill: str) -> None:
    assert find_skill(POLICY, text, language) == skill


def test_a_link_goes_before_words_and_words_before_the_channel() -> None:
    policy = replace(POLICY, skills=(*POLICY.skills, Skill(name="vip", channels=("gold",), links=("card",))))

    assert find_skill(policy, "my invoice", "en", channel="gold", entry="card") == "vip"
    assert find_skill(policy, "my invoice", "en", channel="gold", entry="other") == "billing"
    assert find_skill(policy, "hello", "en", channel="gold") == "vip"
    assert find_skill(policy, "hello", "en", channel="silver") == ""
