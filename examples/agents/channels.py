"""Ways in which a message reaches people; the settings name one for each buyer."""

from agents.core.errors import ConfigError


class Channel:
    """One way to reach a person."""

    name = "channel"

    def line(self, to: str, subject: str) -> str:
        """What the log says of a message."""
        return f"{self.name} to {to}: {subject}"


class MailChannel(Channel):
    """A message for the mail gateway."""

    name = "mail"


class ChatChannel(Channel):
    """A line in the chat of a shop."""

    name = "chats"


class BoardChannel(Channel):
    """A note on the board in the back office."""

    name = "board"


class PrinterChannel(Channel):
    """A slip from the printer at the till."""

    name = "printer"


class PagerChannel(Channel):
    """A call to whoever is on duty."""

    name = "pager"


CHANNELS = {
    "mail": MailChannel,
    "chat": ChatChannel,
    "board": BoardChannel,
    "printer": PrinterChannel,
}


def channel(name: str) -> Channel:
    """The channel of a name; raises ConfigError for any other word."""
    if name not in CHANNELS:
        raise ConfigError(f"no channel is called {name!r} (known: {', '.join(CHANNELS)})")
    return CHANNELS[name]()
