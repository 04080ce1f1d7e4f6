"""The project across repositories: what each application of it published, joined and validated.

`Registry` keeps an entry per application of a project in an environment, in a store it is given; `join` says what is
wrong with all of them together. See docs/projects.md.
"""

from klotho.registry.claims import Claim, Claims
from klotho.registry.conflict import Conflict
from klotho.registry.entry import Broken, Entry, EntryError, Origin, Publication, digest_of
from klotho.registry.join import emptied, join, leave
from klotho.registry.joined import Joined, Member
from klotho.registry.registry import News, Registry, Snapshot, Unreadable, entry_name, names_of

__all__ = [
    "Broken",
    "Claim",
    "Claims",
    "Conflict",
    "Entry",
    "EntryError",
    "Joined",
    "Member",
    "News",
    "Origin",
    "Publication",
    "Registry",
    "Snapshot",
    "Unreadable",
    "digest_of",
    "emptied",
    "entry_name",
    "join",
    "leave",
    "names_of",
]
