"""Where the registry of projects is for environments on this machine: a folder of the state root.

Apart from `projects`, which loads the deployer: every build may ask what others have published here.
"""

from __future__ import annotations

from klotho.driver.machine import state_root
from klotho.stores import Store
from klotho.stores.folder import FolderStore

_FOLDER = ".registry"
"""In the state root; no project has a name that begins with a dot."""


def local_store() -> Store:
    """Of all environments on this machine."""
    return FolderStore(state_root() / _FOLDER)
