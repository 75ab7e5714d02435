"""Words for the other side: what the desk reads of a customer's message, and what the customer reads of an answer."""

from dataclasses import dataclass

from adapters.desk_view import Said
from adapters.text import split
from gateway.store.contract import Progress
from routing.conversation import Conversation
from routing.messages import Facts, ShowEdit, TellCustomer, TellDesk


@dataclass(frozen=True, slots=True)
class Held:
    """A translation that isn't sent before its agent has said so."""

    rendering: str
    back: str
    reason: str


class Interpreter:
    """Translates between a customer and the desk."""

    def customer(self, was: Conversation, text: str, hint: str) -> Facts:
        """Say what a customer's message teaches about their language."""
        return Facts()

    def agent(self, was: Conversation, text: str, agent: str) -> Facts:
        """Say in which language an agent wrote."""
        return Facts()

    async def for_desk(self, told: TellDesk, *, quote: str = "") -> Said:
        """Say what the desk reads of a customer's message."""
        return Said(message=told.message, name=told.name, text=told.text, attachment=told.attachment, quote=quote)

    async def for_edit(self, was: Said, edit: ShowEdit) -> Said:
        """Say what the desk reads of a message that the customer changed."""
        return Said(message=was.message, name=was.name, text=edit.text, attachment=edit.attachment, edited=True)

    async def for_customer(self, order: TellCustomer, max_text: int) -> Progress | Held:
        """Say what the customer reads of an answer, in parts that the platform takes."""
        return Progress(parts=tuple(split(order.text, max_text)), language=order.source)
