"""Words for the other side: what the desk reads of a customer's message, and what the customer reads of an answer."""

import asyncio
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from adapters.contract import Capabilities
from adapters.desk_view import Said
from adapters.text import split
from gateway.rules import Rules
from gateway.store.contract import Order, Progress
from gateway.tally import Tally, utc
from routing import texts
from routing.contents import Facts
from routing.conversation import Conversation
from routing.effects import ShowEdit, ShowSent, TellCustomer, TellDesk
from routing.events import ReplyHeld
from routing.languages import language_name
from translation.batch import replying
from translation.chain import Chain, Untranslated
from translation.contract import Pair, Translated
from translation.detect import SURE, Detector, international
from translation.guard import Guard, Verdict
from translation.memory import CORRECTED, Memory
from translation.passages import Passage, passages
from translation.phrasebook import Phrasebook
from translation.protect import has_words

ROUGH = frozenset({"apertium"})
"""Engines whose output is a gist: enough for an agent, who is told so; a customer gets it if an agent agrees."""

SCORED = frozenset({"argos"})
"""Engines that tell how sure they are of a text."""

UNCLEAR = 0.1
"""From this risk on an answer's meaning back is looked at before it is sent."""

DESK_WAITS = 4.0
"""Seconds after which the desk is shown the original, and its translation follows."""

UNCUT = Capabilities(max_text=sys.maxsize)
HOW_TO_GET = "`dragoman check` says which languages are there"


@dataclass(frozen=True, slots=True)
class Held:
    """A translation that isn't sent before its agent has said so."""

    rendering: str
    back: str
    reason: str

    def told(self, order: Order, said: TellCustomer, at: datetime, *, changes: bool = False) -> ReplyHeld:
        """Tell the conversation that an answer waits, which `changes` what was sent before or is to be sent."""
        return ReplyHeld(
            id=f"held:{order.id}",
            to=order.mailbox,
            at=at,
            reply=said.reply,
            agent=said.agent,
            text=said.text,
            source=said.source,
            rendering=self.rendering,
            back=self.back,
            reason=self.reason,
            files=said.files,
            changes=changes,
        )


class Interpreter:
    """Translates between a customer and the desk, and knows when not to."""

    def __init__(
        self,
        chain: Chain,
        phrasebook: Phrasebook,
        detector: Detector,
        rules: Rules,
        *,
        guard: str,
        tally: Tally | None = None,
        clock: Callable[[], datetime] = utc,
    ) -> None:
        self._clock = clock
        self._chain = chain
        self._phrasebook = phrasebook
        self._detector = detector
        self._rules = rules
        self._mode = guard
        self.tally = tally or Tally()
        self._guard = Guard(detector)

    @property
    def memory(self) -> Memory:
        """What was translated or corrected before."""
        return self._chain.memory

    # Hearing

    def customer(self, was: Conversation, text: str, hint: str) -> Facts:
        """Say what a customer's message teaches about their language."""
        if was.pinned:
            return Facts(language=was.language, evidence=was.evidence)
        belief = self._detector.listen(text, evidence=was.evidence, hint=hint)
        language = belief.language
        if not language and not was.language and len(known := self._phrasebook.detect(text)) == 1:
            (language,) = known
        return Facts(language=language, evidence=dict(belief.evidence))

    def agent(self, was: Conversation, text: str, agent: str) -> Facts:
        """Say in which language an agent wrote, "" where it is what they usually write."""
        if same_language(was.language, self._usual(agent)):
            return Facts()
        heard = self._detector.distribution(text)
        if heard:
            best, share = max(heard.items(), key=lambda pair: pair[1])
            if share >= SURE and same_language(best, was.language):
                return Facts(language=was.language)
        known = self._phrasebook.detect(text)
        if was.language and {each for each in known if same_language(each, was.language)} == known and known:
            return Facts(language=was.language)
        return Facts()

    def _usual(self, agent: str) -> str:
        listed = self._rules.policy.agent(agent)
        return listed.languages[0] if listed and listed.languages else self._rules.policy.desk_language

    # To the desk

    @property
    def contextual(self) -> bool:
        """Say whether an engine wants to know what was said before."""
        return self._chain.contextual

    async def for_desk(self, told: TellDesk, *, quote: str = "", before: Sequence[str] = ()) -> Said:
        """Say what the desk reads of a customer's message: the translation first, the original beneath."""
        said = Said(message=told.message, name=told.name, text=told.text, attachment=told.attachment, quote=quote)
        return await self._shown(said, told.text, told.language, within=DESK_WAITS, before=before)

    async def for_edit(self, was: Said, edit: ShowEdit) -> Said:
        """Say what the desk reads of a message that the customer changed."""
        said = Said(
            message=was.message,
            name=was.name,
            text=edit.text,
            attachment=edit.attachment,
            quote=was.quote,
            named=was.named,
            edited=True,
            edited_at=edit.at,
        )
        return await self._shown(said, edit.text, edit.language, within=DESK_WAITS)

    async def again(self, said: Said) -> Said:
        """Say what the desk reads of a message that couldn't be translated when it came, with all patience."""
        return await self._shown(replace(said, mark="", late=False), said.text, said.language, within=math.inf)

    async def _shown(self, said: Said, text: str, language: str, *, within: float, before: Sequence[str] = ()) -> Said:
        desk = self._rules.policy.desk_language
        if not has_words(text) or international(text):
            return said
        if not language:
            unclear = "Shown as written: its language isn't known yet"
            return replace(said, mark=unclear) if self._detector.distribution(text) else said
        parts = passages(text, language, self._detector)
        foreign = [part.language for part in parts if not same_language(part.language, desk)]
        if not foreign:
            return said
        language = foreign[0] if same_language(language, desk) else language
        made, verdict = await self._translated(parts, desk, said.name, within, before)
        if isinstance(made, Untranslated):
            how = "" if made.passing else f". {HOW_TO_GET}"
            mark = f"Shown as written, in {language_name(language)}: {made.why}{how}"
            return replace(said, mark=mark, language=language, late=made.passing)
        return replace(
            said,
            text=made.text,
            original=text,
            language=language,
            engine=made.engine,
            version=made.version,
            translated_at=self._clock(),
            mark=_mark(made, verdict),
        )

    async def _translated(
        self, parts: Sequence[Passage], desk: str, name: str, within: float, before: Sequence[str]
    ) -> tuple[Translated | Untranslated, Verdict]:
        """Translate each passage out of its language, and judge the riskiest; what is in the desk's stays."""
        texts, score, worst = [], 1.0, Verdict(0.0, ())
        engines: dict[str, str] = {}
        for text, language in parts:
            if same_language(language, desk) or not has_words(text):
                texts.append(text)
                continue
            made = await self._chain.translate(
                text.strip(), source=language, target=desk, name=name, before=before, within=within
            )
            if isinstance(made, Untranslated):
                return made, worst
            worst = max(worst, self._assess(text, made, language, desk), key=lambda verdict: verdict.risk)
            texts.append(text.replace(text.strip(), made.text))
            engines.setdefault(made.engine, made.version)
            score = min(score, made.score)
        rough = [engine for engine in engines if engine in ROUGH]
        engine = (*rough, *engines, "")[0]
        return Translated("".join(texts), engine, score, engines.get(engine, "")), worst

    # To the customer

    async def for_customer(
        self, order: TellCustomer, channel: Capabilities, *, name: str = "", before: Sequence[str] = ()
    ) -> Progress | Held:
        """Say what the customer, `name`, reads of an answer, in parts that the platform takes."""
        if order.confirm:
            return await self._preview(replace(order, confirm=False), name=name, before=before)
        if order.lines:
            asked = await self.for_customer(replace(order, lines=()), channel, name=name, before=before)
            if isinstance(asked, Progress):
                text = "\n".join((*asked.parts, *order.lines))
                return replace(asked, parts=tuple(split(text, channel.max_text, channel.size)))
        if order.ready:
            return self._progress(order.text, order.language, channel, engine=order.by, back=order.back)
        if order.phrase and (wording := self._phrasebook.phrase(order.phrase, order.language)):
            return self._progress(wording, order.language, channel, engine=self._phrasebook.name)
        if not has_words(order.text) or same_language(order.source, order.language):
            return self._progress(order.text, order.language, channel)
        if not order.language:
            warning = "Sent as written: the customer's language isn't known yet"
            return self._progress(order.text, order.source, channel, warning=warning)
        before_bulk = replying.set(bool(order.reply))
        try:
            made = await self._chain.translate(
                order.text, source=order.source, target=order.language, name=name, before=before
            )
        finally:
            replying.reset(before_bulk)
        if isinstance(made, Untranslated):
            warning = f"Not translated into {language_name(order.language)}: {made.why}"
            return self._progress(order.text, order.source, channel, warning=warning)
        return await self._judged(order, made, channel, name)

    async def _judged(self, order: TellCustomer, made: Translated, channel: Capabilities, name: str) -> Progress | Held:
        """Say what becomes of a translation: it goes, or waits for its agent; of a notice the original goes instead."""
        verdict, back = await self._looked_at(order, made, name)
        doubts = (*verdict.reasons, *((f"{made.engine} gives only the gist",) if made.engine in ROUGH else ()))
        doubtful = (verdict.risky or made.engine in ROUGH) and self._mode == "hold"
        if doubtful and not order.reply:
            warning = f"Sent as written: in {language_name(order.language)} it may be wrong: {', '.join(doubts)}"
            return self._progress(order.text, order.source, channel, warning=warning)
        if doubtful:
            back = back or await self.meaning(made.text, order.language, order.source, name=name)
            self.tally.note(made.engine, Pair(order.source, order.language), "held")
            return Held(made.text, back, await self._doubt(order, doubts))
        mark = _mark(made, verdict)
        progress = self._progress(made.text, order.language, channel, engine=made.engine, back=back, warning=mark)
        return replace(progress, version=made.version, made_at=self._clock())

    async def _preview(self, order: TellCustomer, *, name: str, before: Sequence[str]) -> Held:
        """Hold an answer for its writer to see; where it is read as it was written there is no translation to show."""
        made = await self.for_customer(order, UNCUT, name=name, before=before)
        if isinstance(made, Held):
            return made
        if not made.engine:
            return Held("", "", texts.preview(made.warning))
        text = "".join(made.parts)
        back = made.back or await self.meaning(text, made.language, order.source, name=name)
        return Held(text, back, texts.preview(made.warning))

    async def _doubt(self, order: TellCustomer, doubts: Sequence[str]) -> str:
        """Say why an answer is held, and what was right for one much like it."""
        doubt = f"This may be a wrong translation: {', '.join(doubts)}."
        # To compare with thousands takes longer than the event loop may be kept.
        like = await asyncio.to_thread(self.memory.similar, order.text, Pair(order.source, order.language))
        return f"{doubt} Corrected before: “{like.text}” → “{like.fix}”." if like else doubt

    async def _looked_at(self, order: TellCustomer, made: Translated, name: str) -> tuple[Verdict, str]:
        """Judge an answer, where it is unclear by its meaning back as well; a clear one isn't kept waiting for it."""
        verdict = self._assess(order.text, made, order.source, order.language)
        if verdict.risky or verdict.risk < UNCLEAR or made.engine in ROUGH:
            return verdict, ""
        back = await self.meaning(made.text, order.language, order.source, name=name)
        return self._assess(order.text, made, order.source, order.language, back=back or None), back

    async def shown_sent(self, sent: ShowSent) -> ShowSent:
        """Add the meaning back, in the desk's language, to what is shown of a translated answer."""
        if not sent.engine or sent.back:
            return sent
        back = await self.meaning(sent.text, sent.language, self._rules.policy.desk_language, name=sent.name)
        return replace(sent, back=back)

    async def meaning(self, text: str, language: str, desk: str, *, name: str = "") -> str:
        """Translate what a customer reads back for the desk, "" where nobody can."""
        if same_language(language, desk):
            return ""
        made = await self._chain.translate(text, source=language, target=desk, name=name)
        return made.text if isinstance(made, Translated) else ""

    def _assess(self, text: str, made: Translated, source: str, target: str, *, back: str | None = None) -> Verdict:
        if self._mode == "off" or made.engine in (self._phrasebook.name, CORRECTED, ""):
            return Verdict(0.0, ())
        score = made.score if made.engine in SCORED else None
        return self._guard.assess(text, made.text, pair=(source, target), score=score, back=back)

    def _progress(
        self, text: str, language: str, channel: Capabilities, *, engine: str = "", back: str = "", warning: str = ""
    ) -> Progress:
        parts = tuple(split(text, channel.max_text, channel.size))
        return Progress(parts=parts, language=language, engine=engine, back=back, warning=warning)


def same_language(one: str, other: str) -> bool:
    """Say whether two tags name one language, whatever the region; "" is none."""
    return bool(one) and one.partition("-")[0].lower() == other.partition("-")[0].lower()


def _mark(made: Translated, verdict: Verdict) -> str:
    if verdict.risky:
        return f"This translation may be wrong: {', '.join(verdict.reasons)}"
    return f"rough translation by {made.engine}" if made.engine in ROUGH else ""
