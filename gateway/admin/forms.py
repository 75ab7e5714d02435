"""What tables of the configuration the console changes, and the form of each."""

from dataclasses import dataclass

from gateway.admin.entries import (
    Entry,
    flag,
    read_by_language,
    read_lines,
    read_list,
    read_lists_by_language,
    read_number,
    read_terms,
    read_texts,
    show_by_language,
    show_lines,
    show_list,
    show_lists_by_language,
    show_terms,
    show_texts,
)

AGENT = (
    Entry(name="slack_user_id", label="Slack member id", help="Their profile, …, Copy member ID", required=True),
    Entry(name="name", label="Name", help="As colleagues call them", required=True),
    Entry(
        name="languages",
        label="Languages",
        help="Codes, such as en, es; the first is the one they read by default",
        read=read_list,
        show=show_list,
    ),
    Entry(name="skills", label="Skills", help="Names, with commas", read=read_list, show=show_list),
    Entry(
        name="capacity",
        label="Capacity",
        help="How many conversations at a time; 4 where it is empty",
        read=read_number,
    ),
    flag("admin", "Admin", "May come into this console with Slack"),
)
SKILL = (
    Entry(name="name", label="Name", help="One word, such as billing", required=True),
    Entry(
        name="keywords",
        label="Keywords",
        help="Words that suggest it, a language a line, such as es: factura, reembolso",
        read=read_lists_by_language,
        show=show_lists_by_language,
        rows=4,
    ),
    Entry(
        name="menu",
        label="In the menu",
        help="What customers choose by, a language a line, such as es: Facturas y reembolsos",
        read=read_by_language,
        show=show_by_language,
        rows=4,
    ),
    Entry(
        name="channels", label="Channels", help="Who writes on one of these asks for it", read=read_list, show=show_list
    ),
    Entry(name="links", label="Links", help="Who came by such a link asks for it", read=read_list, show=show_list),
)
GLOSSARY = (
    Entry(
        name="keep",
        label="Never translated",
        help="A name a line, such as AirFryer X2",
        read=read_lines,
        show=show_lines,
        rows=8,
    ),
    Entry(
        name="terms",
        label="Translated just so",
        help="A thing a line, such as en: gift card; es: tarjeta regalo",
        read=read_terms,
        show=show_terms,
        rows=8,
    ),
)
ROUTING = (
    Entry(name="default_skill", label="The skill that everybody has", help="general where it is empty"),
    Entry(
        name="reopen_window",
        label="A message reopens a closed conversation within",
        help="Such as 24h or 7d; 24h where it is empty",
    ),
    Entry(
        name="survey_after",
        label="Customers are asked how it was, this long after closing",
        help="Such as 15m; nobody is asked where it is empty",
    ),
)
RULES = (
    flag("only_assignee", "Only the assignee answers", "What somebody else writes is held, and they are asked"),
    flag("confirm", "Every answer is shown before it goes", "Translated, and with its meaning back"),
    Entry(
        name="undo",
        label="Seconds for which an answer waits",
        help="Deleting or editing it meanwhile stops or changes it",
        read=read_number,
    ),
    flag("direct_messages", "Agents are also told directly", "In a direct message, what becomes theirs"),
    flag("slack_presence", "Slack's presence counts", "Whom Slack shows as away gets no new conversation"),
    Entry(name="call_link", label="Where !call leads", help="Such as https://meet.jit.si/{room}"),
    Entry(name="name", label="What agents call the first channel", help="In !move; main where it is empty"),
    Entry(name="escalation", label="Where !escalate leads", help="What agents call that channel"),
)
ROOM = (
    Entry(name="name", label="What agents call it", help="In !move; one word", required=True),
    Entry(name="channel", label="The channel's id", help="At the bottom of the channel's details", required=True),
    Entry(name="skills", label="Skills", help="Names, with commas", read=read_list, show=show_list),
    Entry(name="languages", label="Languages", help="Codes, with commas", read=read_list, show=show_list),
    Entry(name="channels", label="Channels", help="Customers' channels, with commas", read=read_list, show=show_list),
    Entry(
        name="priorities",
        label="Priorities",
        help="Conversations open there that fit all that is given; "
        "with nothing given, only !move and !escalate lead there",
        read=read_list,
        show=show_list,
    ),
)
REPLY = (
    Entry(name="name", label="Name", help="As in !reply NAME", required=True),
    Entry(
        name="text",
        label="Text",
        help="A language a line, such as en: Hello {name}; a line that begins with a space goes on with it",
        read=read_texts,
        show=show_texts,
        rows=8,
        required=True,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A kind of table: its form, and the key by which one is named; `one` says that there is only one of it."""

    kind: str
    title: str
    entries: tuple[Entry, ...]
    key: str = ""

    @property
    def one(self) -> bool:
        """Say whether there is only one of it."""
        return not self.key

    def place(self, id_: str) -> str:
        """Name the place where one is kept."""
        return self.kind if self.one else f"{self.kind}/{id_}"


TABLES = {
    "agents": Table(kind="agent", title="Agents", entries=AGENT, key="slack_user_id"),
    "skills": Table(kind="skill", title="Skills", entries=SKILL, key="name"),
    "glossary": Table(kind="glossary", title="Glossary", entries=GLOSSARY),
    "routing": Table(kind="routing", title="Routing", entries=ROUTING),
    "desk/rules": Table(kind="desk", title="Rules of the desk", entries=RULES),
    "desk/channels": Table(kind="room", title="Further channels of the desk", entries=ROOM, key="name"),
    "desk/replies": Table(kind="reply", title="Saved replies", entries=REPLY, key="name"),
}
