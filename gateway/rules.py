"""The admin's rules as they are just now: whoever decides reads them then, so that a change needs no restart."""

from routing.policy import Policy


class Rules:
    """Holds them; nobody but the settings' watcher sets another `policy`."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
