"""`dragoman conversations`: tickets from the shell, and erasing a person."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from config.settings import Settings
from gateway.commands import Finding
from gateway.store.choose import beside, make_store
from gateway.store.contract import StoreError
from routing.conversation import Conversation
from routing.events import AgentWrote, CustomerWrote, Event, ReplySent
from routing.languages import language_name

FORGET = "forget"
"""The kind of document that asks a running gateway to erase a contact, and then says what it erased."""

FORGOTTEN = "forgotten"
"""The kind of the document that says when somebody was last erased, so that every replica forgets what it made."""

WITHIN = 15.0
"""Seconds that a running gateway is given to erase a contact."""


def list_conversations(settings: Settings, *, status: str) -> Iterable[Finding]:
    """Say which conversations there are, a contact's latest each, newest first."""
    for each in beside(settings.gateway).conversations():
        if each.number and status in ("", each.status.value):
            yield _line(each, settings)


def show(settings: Settings, which: str) -> Iterator[Finding]:
    """Say what was said in a contact's conversations."""
    conversation = _find(settings, which)
    yield _line(conversation, settings)
    for event in beside(settings.gateway).history(conversation.contact):
        if (said := _said(event)) is not None:
            yield said


def export(settings: Settings, which: str) -> Iterator[Finding]:
    """Give all that is kept of a contact: the conversation as it stands, then each event."""
    conversation = _find(settings, which)
    events = beside(settings.gateway).history(conversation.contact)
    for kind, what in (("conversation", conversation), *(("event", event) for event in events)):
        fields = {"kind": kind, **msgspec.to_builtins(what)}
        yield Finding(msgspec.json.encode(fields).decode(), fields)


async def forget(settings: Settings, which: str) -> list[Finding]:
    """Erase a contact: by the gateway that runs, else here.

    Raises:
        StoreError: there is no such contact, or the gateway didn't do it in time.
    """
    contact = _find(settings, which).contact
    erased = await _here(settings, contact) or await _by_the_gateway(settings, contact)
    told = ", ".join(f"{count} {what}" for what, count in erased.items() if count) or "nothing"
    found = [Finding(f"{contact}: erased {told}", {"contact": contact, "erased": erased})]
    left = ["what stands in Slack's threads", "texts that `!fix` corrected", "copies made by `dragoman backup`"]
    if settings.gateway.redis is not None:
        left.append("for a day at most, translations in the memory of other replicas")
    left += [f"the recording {settings.gateway.record}"] if settings.gateway.record else []
    found.append(Finding(f"not erased: {', '.join(left)}", {"contact": contact, "left": left}))
    return found


async def _here(settings: Settings, contact: str) -> dict[str, int] | None:
    """Erase a contact where no gateway runs; None where one does."""
    if await asyncio.to_thread(beside(settings.gateway).runs):
        return None
    store = make_store(settings.gateway)
    await store.open()
    try:
        return await store.forget(contact)
    finally:
        await store.close()


async def _by_the_gateway(settings: Settings, contact: str) -> dict[str, int]:
    store = beside(settings.gateway)
    store.write_docs(FORGET, {contact: b""})
    for _ in range(int(WITHIN / 0.1)):
        await asyncio.sleep(0.1)
        if done := store.docs(FORGET).get(contact):
            store.write_docs(FORGET, {contact: None})
            return msgspec.json.decode(done, type=dict[str, int])
    raise StoreError(f"the gateway that runs didn't erase {contact} in time: try again")


def _find(settings: Settings, which: str) -> Conversation:
    wanted = which.removeprefix("#")
    for each in beside(settings.gateway).conversations():
        if which == each.contact or (wanted.isdecimal() and int(wanted) == each.number):
            return each
    raise StoreError(f"there is no conversation {which}: `dragoman conversations list` names them")


def _line(each: Conversation, settings: Settings) -> Finding:
    assignee = settings.policy.name_of(each.assignee) if each.assignee else "nobody"
    language = language_name(each.language) if each.language else "language not known"
    who = f"{each.contact}  {each.name or '-'}"
    told = f"#{each.number}  {each.status.value:<8}  {who}  {language}, {each.skill}, {assignee}"
    fields: dict[str, Any] = {
        "number": each.number,
        "status": each.status.value,
        "contact": each.contact,
        "name": each.name,
        "language": each.language,
        "skill": each.skill,
        "assignee": each.assignee,
        "priority": each.priority,
        "opened_at": each.opened_at.isoformat(),
    }
    return Finding(told, fields)


def _said(event: Event) -> Finding | None:
    match event:
        case CustomerWrote():
            who, words = event.name or "Customer", " ".join(filter(None, (event.attachment, event.text)))
        case AgentWrote():
            who, words = event.agent, event.text
        case ReplySent() if event.final:
            who, words = "Sent", event.sent
        case _:
            return None
    text = f"{event.at:%Y-%m-%d %H:%M:%S}  {who}: {words}"
    return Finding(text, {"at": event.at.isoformat(), "who": who, "text": words})
