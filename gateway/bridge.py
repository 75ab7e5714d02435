"""What works between the journal and the platforms: steps, and delivery to either side, as loops over one store."""

from collections.abc import Mapping
from functools import partial

from adapters.contract import Channel
from adapters.desk import Desk
from gateway.agent_files import AgentFiles
from gateway.budget import UPDATE_RATE, Budget
from gateway.corrections import Corrections, Fixes
from gateway.crew import Crew
from gateway.deliver import Customers
from gateway.desk_cards import DeskCards
from gateway.desk_files import DeskFiles
from gateway.desk_marks import DeskMarks
from gateway.desk_posts import DeskPosts
from gateway.faces import Faces
from gateway.hands import Clock, Hands, utc
from gateway.interpret import Interpreter
from gateway.lens import Lens
from gateway.links import Links
from gateway.passport import Passports
from gateway.people import People
from gateway.record import Recorder
from gateway.replies import Replies
from gateway.rules import Rules
from gateway.store.contract import Side, Store
from gateway.worker import Worker

WORKERS = 8
SENDERS = 8
POSTERS = 8
MARKERS = 2
UPDATE_BURST = 20
STOP_WITHIN = 8.0
"""Seconds that what was begun may take to finish."""


class Bridge:
    """The loops of one process; they touch the world by `store`, `desk`, `channels` and `clock` alone."""

    def __init__(
        self,
        store: Store,
        desk: Desk,
        channels: Mapping[str, Channel],
        interpreter: Interpreter,
        rules: Rules,
        budget: Budget,
        links: Links,
        faces: Faces,
        *,
        clock: Clock = utc,
        recorder: Recorder | None = None,
    ) -> None:
        self.store = store
        self.interpreter = interpreter
        self.replies = Replies(store, rules)
        self.worker = Worker(store, rules, interpreter, clock=clock, recorder=recorder, replies=self.replies)
        self.hands = Hands(store, clock)
        budget.share = store.share
        updates = Budget(rate=UPDATE_RATE, burst=UPDATE_BURST, clock=budget.clock, share=store.share)
        files = DeskFiles(self.hands, desk, channels)
        people = People(channels, faces)
        self.corrections = Corrections(store, interpreter.memory)
        fixes = Fixes(store, channels, self.corrections, rules, interpreter.tally)
        self.cards = DeskCards(self.hands, desk, channels, people, interpreter, rules, updates)
        self.posts = DeskPosts(self.hands, desk, self.cards, files, people, interpreter, budget, updates, fixes)
        lens = Lens(store, interpreter, rules)
        self.marks = DeskMarks(self.hands, desk, fixes, Passports(store, rules), lens, self.worker.offer_quietly)
        self.customers = Customers(self.hands, channels, interpreter, AgentFiles(desk, links))
        self._crew = Crew()

    def start(self) -> None:
        """Begin to work."""
        guard, take = self.hands.guard, self.store.take
        self._crew.hire(self.store.claim, self.worker.work, WORKERS)
        self._crew.hire(partial(take, Side.CUSTOMER), guard(self.customers.deliver, self.customers.bury), SENDERS)
        self._crew.hire(self.posts.take, guard(self.posts.deliver, self.posts.bury), POSTERS)
        self._crew.hire(self.cards.take, guard(self.cards.change, self.posts.bury), MARKERS)
        self._crew.hire(partial(take, Side.LATE), guard(self.posts.show_late, self.posts.bury), MARKERS)
        self._crew.hire(partial(take, Side.MARK), guard(self.marks.deliver, self.posts.bury), MARKERS)

    async def stop(self) -> None:
        """Take no more, and finish what was begun."""
        await self._crew.stop(STOP_WITHIN)
