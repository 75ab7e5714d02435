"""Every sentence that the core says to people at the desk, and the keys of those that customers get."""

from collections.abc import Sequence

from routing.contents import Template

WAITING = "notice_waiting"
"""The phrasebook's key of what a customer reads while nobody has room."""

WAITING_TEXT = "Thank you for your message. Our team will answer you as soon as possible."

CALL = "notice_call"
"""The phrasebook's key of what stands above a link to a call."""

CALL_TEXT = "You can join the video call here:"
CALL_HOW = "There is no video service yet: an admin sets desk.call_link, such as https://meet.jit.si/{room}."
MENU = "notice_menu"
"""The phrasebook's key of the question above a menu."""

MENU_TEXT = "What is it about? Please answer with a number."

SURVEY = "notice_survey"
"""The phrasebook's key of the question how it was."""

SURVEY_TEXT = "How did we do? Please answer with a number from 1 to 5; 5 is very good."
THANKS = "notice_thanks"
"""The phrasebook's key of what somebody reads who was satisfied."""

THANKS_TEXT = "Thank you for your rating!"
SORRY = "notice_sorry"
"""The phrasebook's key of what somebody reads who wasn't satisfied."""

SORRY_TEXT = "Thank you for your rating. What could we have done better? Our team reads your answer."

HELP = (
    "Write in the thread and the customer reads it in their language. Only the desk sees what begins with `//`.\n"
    "`!claim` take the conversation · `!assign @agent` hand it over · `!skill NAME` ask for another skill · "
    "`!lang CODE` set the customer's language · `!priority low|normal|high|urgent` · `!snooze 2h` put it off · "
    "`!reply NAME` send a saved reply · `!call` send a link to a video call · "
    "`!template NAME` send an approved WhatsApp template · "
    "`!history` what was said before · `!lens` the same in your language · "
    "`!fix TEXT` correct the last translation (or *Fix*) · `!close` close it · "
    "`!move NAME` to another channel of the desk's · `!escalate WHY` · "
    "`!away` (or `!away 2h`) take no new conversations, `!back` take them again · `!help` this list"
)


def unknown_command(name: str) -> str:
    """Answer a command that we don't know."""
    return f"`!{name}` isn't a command; nothing was sent. `!help` lists them."


def rated(rating: int) -> str:
    """Say how a customer found it."""
    return f"The customer's rating: {stars(rating)} ({rating} of 5)"


def stars(rating: int) -> str:
    """Draw a rating of 1 to 5."""
    return "★" * rating + "☆" * (5 - rating)


def form_refused(error: str) -> str:
    """Say that Slack doesn't open a form, in its word for why."""
    return f"Slack doesn't open the form ({error}): tell your admin. What you pressed the button for isn't done."


def parked(reason: str) -> str:
    """Say that an answer waits for the platform's window."""
    return f"⏳ Not sent yet: {reason}. It goes by itself when the customer writes again."


def released(count: int) -> str:
    """Say that what waited goes now."""
    return "The answer that waited goes now" if count == 1 else f"The {count} answers that waited go now"


def templates(offered: Sequence[Template]) -> str:
    """Say which templates may go meanwhile."""
    lines = [f"• `{each.name}` ({each.language}): {each.text}" for each in offered]
    how = "Until the customer writes, an approved template may go: press one, or write `!template NAME VALUE | VALUE`."
    return "\n".join((how, *lines))


PARKED_DROPPED = "What waited for the customer to write won't be sent"
FIX_HOW = "Say what it should be: `!fix TEXT`. The last translation is corrected, and others like it from now on."
TEMPLATE_HOW = "Say which: `!template NAME`, and its values after it, `|` between them."


def assigned(agent: str, why: str) -> str:
    """Say who has the conversation now."""
    return f"Assigned to {agent}: {why}" if why else f"Assigned to {agent}"


def menu_answered(skill: str) -> str:
    """Say what the customer chose."""
    return f"The customer chose: {skill}"


SNOOZE_HOW = "Say for how long: `!snooze 30m`, `!snooze 2h`, `!snooze 3d`; `!snooze off` brings it back."
SNOOZE_CLOSED = "This conversation is closed: there is nothing to put off."
SNOOZE_OVER = "The time that this was put off for is over"
WOKEN = "The customer wrote: this isn't put off any more"
CONSOLE_HELP = (
    "`/dragoman` how you stand, what is yours and who waits · `/dragoman away`, `away 2h`, `away until 14:30`, "
    "`away today` (until tomorrow morning) · `/dragoman back` · `/dragoman queue` who waits · "
    "`/dragoman start` begin a conversation with a customer · "
    "`/dragoman replies` the saved replies, to search, make and change · "
    "`/dragoman find` and a number, a name, a phone number, or words that were said"
)
REPLY_TAKEN = "There is one of this name: look for it with /dragoman replies, and edit it."
REPLY_FIXED = "There is one of this name in the configuration, which an admin changes."
REPLY_GONE = "This saved reply is gone."
FIND_HOW = "Say what to find: `/dragoman find #1042`, a name, a phone number, or words that were said."
FIND_LATE = "That took too long: say more of it, or its number."
NOT_OF_THE_DESK = "This is for the agents: who is in the desk's channel, or listed by an admin under [[agents]]."
NOT_AN_AGENT = "You aren't among the agents: an admin adds you under [[agents]]."
BACK = "You're back: new conversations come to you again."
MENU_ASKED = "The customer was asked what it is about; it goes to somebody once they answer, or after two minutes."
QUEUED = "Nobody who could take this has room: it waits in the queue"
REOPENED = "The customer wrote again: reopened"
REOPENED_BY_ANSWER = "Reopened by this answer"
ELSEWHERE = "Answered outside Dragoman"
LEFT = "⚠️ The customer has blocked us: answers won't reach them until they write again"
RETURNED = "The customer can be reached again"
CLOSED_ALREADY = "This conversation is closed already."
OPEN_ALREADY = "This conversation is open already."
CONTINUES = "This customer's conversation continues as #{number}; your answer goes to them all the same."
STALE = "This is about an older conversation; the customer's present one is #{number}."
FORM_EXPIRED = "That took too long, and Slack opens no form any more: press the button once more."
FORM_TOO_LONG = "This is too long for a form: edit your message in the thread."
NOT_HELD = "This message isn't held any more."
EDITED = "The customer keeps what was sent first. Write a new message to correct it."
TAKEN_BACK = "Deleted here, and at the customer's too"
EDITED_FAILED = "This message didn't reach the customer: write a new one."
DELETED = "The customer has already got this message; deleting it here doesn't take it back."
UNREACHABLE = "the customer has blocked us"
UNREACHABLE_ADVICE = "Wait until they write again, or reach them another way."
ASSIGN_WHOM = "Say whom: `!assign @agent`."
ASSIGN_HOW = "Who shall have it? (Or write `!assign @agent` in the thread.)"
LANGUAGE_HOW = "Which language does the customer write? (Any other: write `!lang CODE` in the thread.)"
BAD_LANGUAGE = "Say which language by its code: `!lang es`, `!lang pt-br`."
UNDONE = "Stopped: the customer doesn't get it."
PREVIEW = "Is this what the customer should read?"
ADDRESSED = "It begins by addressing a colleague. Is it for the customer?"
HELD_EDITED = "Edited: asked again below."
HELD_REPLACED = "Edited: the new words go instead."
HELD_DELETED = "Deleted: the customer doesn't get it."
HELD_GONE = "Deleted: what was sent is taken back."
HELD_CLOSED = "Closed: the customer doesn't get it."


def not_yours(assignee: str) -> str:
    """Ask about an answer in somebody else's conversation."""
    return f"{assignee} has this conversation. Send takes it over."


def claim_first(assignee: str) -> str:
    """Refuse a command that sends something in somebody else's conversation."""
    return f"{assignee} has this conversation, and nothing was sent: `!claim` it first."


def preview(warning: str) -> str:
    """Ask about an answer that is shown before it goes."""
    return f"{PREVIEW} {warning}".strip()


def away(how_long: str) -> str:
    """Say that an agent is given no new conversation now."""
    end = f"for {how_long}" if how_long else "until `!back`"
    return f"You're away: no new conversation comes to you {end}. Those you have stay yours."


def bad_away(asked: str) -> str:
    """Answer a time to be away that is none."""
    return f"{asked!r} isn't a time: `!away 30m`, `!away 2h`, or `!away` until you say `!back`."


def away_until(moment: str) -> str:
    """Say until when, in Slack's notation, an agent is given no new conversation."""
    end = moment or " until `/dragoman back`"
    return f"You're away{end}: no new conversation comes to you. Those you have stay yours."


def bad_return(asked: str) -> str:
    """Answer `/dragoman away` with what is no time."""
    return f"{asked!r} isn't a time: say `away 30m`, `away 2h`, `away until 14:30`, `away today`, or just `away`."


def lens_is_desk(language: str) -> str:
    """Answer an agent who reads the desk's language."""
    return f"You read {language}, as the desk does: the thread is in your language. An admin sets agents' languages."


def lens_head(language: str) -> str:
    """Say what follows."""
    return f"What was said, in {language}. You may answer in any language that you have."


ESCALATE_HOW = "There is no channel to escalate to: an admin sets desk.escalation."


def which_desk(asked: str, names: Sequence[str]) -> str:
    """Answer `!move` with what isn't the name of a channel."""
    known = ", ".join(f"`!move {name}`" for name in names)
    if len(names) < 2:
        return "The desk has one channel: an admin adds more under [[desk.channels]]."
    return f"The desk has no channel {asked!r}. There are: {known}." if asked else f"Say where: {known}."


def there_already(name: str) -> str:
    """Answer a move to where a conversation is."""
    return f"This conversation is in {name} already."


def moved_to(name: str) -> str:
    """Say where a conversation went."""
    return f"Moved to {name}"


def moved_by(agent: str) -> str:
    """Say who moved a conversation."""
    return f"Moved by {agent}"


def belongs(channel: str) -> str:
    """Say why a conversation moved when what it is about changed."""
    return f"Moved here because it belongs in {channel} now"


def moved_for(channel: str) -> str:
    """Say why a conversation moved by itself."""
    return f"The app can't write in {channel} any more, so this goes on here"


def escalated_by(agent: str, why: str) -> str:
    """Say who escalated a conversation, and why."""
    return f"Escalated by {agent}: {why}" if why else f"Escalated by {agent}"


STARTED = "Write here: the customer gets it in their language. Where the platform wants a template first, you are told."
START_HOW = (
    "Say whom: `/dragoman start CHANNEL ADDRESS LANGUAGE NAME`, such as `/dragoman start wa +46701234567 sv Kim`."
)
STARTED_SOON = "Its thread opens in the desk's channel, and mentions you: write there."
START_ADDRESS = "Give a phone number, or the platform's id of the customer."


def no_such_channel(asked: str, known: Sequence[str]) -> str:
    """Answer the name of a customers' channel that there isn't."""
    return f"There is no channel {asked!r}. There are: {', '.join(known) or 'none'}."


def not_kept(why: str) -> str:
    """Say that the store takes nothing just now."""
    return f"It can't be kept just now: {why}. Try again in a moment."


def began(agent: str) -> str:
    """Say for the card who began a conversation."""
    return f"{agent}: began it"


def started_already(agent: str) -> str:
    """Lead an agent to the conversation that there is."""
    return f"{agent} wants to write to this customer, who is in a conversation already: write here"


def yours(number: int, name: str) -> str:
    """Say that a conversation is an agent's now."""
    return f"#{number} · {name or 'Customer'} is yours now"


def bad_skill(name: str, known: str) -> str:
    """Answer `!skill` with a name that isn't one."""
    return f"There is no skill {name!r}. Known: {known}." if name else f"Say which skill: {known}."


def failed(reason: str, advice: str) -> str:
    """Say that an answer didn't reach the customer, and what to do."""
    return f"⚠️ Not delivered: {reason}" + (f" {advice}" if reason.endswith(".") else f". {advice}" if advice else "")


def closed_by(agent: str) -> str:
    """Say who closed the conversation."""
    return f"Closed by {agent}"


def reopened_by(agent: str) -> str:
    """Say who opened the conversation again."""
    return f"Reopened by {agent}"


def claimed_by(agent: str) -> str:
    """Say who took the conversation."""
    return f"Claimed by {agent}"


def unchanged(reason: str, *, deleted: bool = False) -> str:
    """Say that what was sent stays as it is."""
    told = DELETED if deleted else EDITED
    return f"{told} ({reason})" if reason else told


def not_held(words: str) -> str:
    """Give an agent the words back that came too late."""
    return f"{NOT_HELD} You wrote: {words}"


def which_reply(asked: str, known: tuple[str, ...]) -> str:
    """Answer `!reply` with what isn't the name of one."""
    if not known:
        return "There is no saved reply: `/dragoman replies` makes one, or an admin does under [[replies]]."
    names = ", ".join(f"`!reply {name}`" for name in known)
    return f"There is no saved reply {asked!r}. There are: {names}." if asked else f"Say which: {names}."


def saved_as(name: str) -> str:
    """Say that a saved reply went as it was written."""
    return f"saved reply {name}"


def bad_priority(wanted: str) -> str:
    """Answer `!priority` with what isn't one."""
    known = "`!priority low`, `normal`, `high` or `urgent`"
    return f"{wanted!r} isn't a priority: say {known}." if wanted else f"Say which: {known}."


def priority_set(priority: str, agent: str) -> str:
    """Say that an agent set the priority."""
    return f"{agent} set the priority to {priority}"


def snoozed(agent: str, how_long: str) -> str:
    """Say that an agent put a conversation off."""
    return f"Put off by {agent} for {how_long}"


def woken_by(agent: str) -> str:
    """Say that an agent brought back what was put off."""
    return f"Brought back by {agent}"


def bad_snooze(wanted: str) -> str:
    """Answer `!snooze` with what isn't a time."""
    return f"{wanted!r} isn't a time. {SNOOZE_HOW}"


def language_set(code: str, agent: str) -> str:
    """Say that an agent set the customer's language."""
    return f"{agent} set the customer's language to {code}"


def skill_set(name: str, agent: str) -> str:
    """Say that an agent asked for another skill."""
    return f"{agent} asked for the skill {name}"


def edited_by(agent: str) -> str:
    """Say whose words went in a translation's place."""
    return f"in {agent}'s words"


def held_settled(action: str, agent: str, *, changes: bool) -> str:
    """Say what an agent decided about a held message, which would be sent or (`changes`) replace what was sent."""
    if action == "edit":
        return f"Edited and sent by {agent}."
    if action == "keep" and changes:
        return f"{agent} left what was sent as it was."
    if action == "keep":
        return f"Kept as a note by {agent}; the customer doesn't get it."
    return f"Sent {'as it was written ' if action == 'send_original' else ''}by {agent}."
