"""`klotho dev`: the application up in the foreground, and every saved file in it at once."""

from klotho.driver.dev.events import DevEvent, Ended, Lines, Planned, Refused, Reloaded, Show, Watching
from klotho.driver.dev.session import Dev

__all__ = ["Dev", "DevEvent", "Ended", "Lines", "Planned", "Refused", "Reloaded", "Show", "Watching"]
