"""Small objects that many processes change without losing each other's work.

`Store` is the protocol: read, create if absent, replace or delete if unchanged, list. `folder` keeps them on this
machine, `bucket` in S3; `remembered` spares fetching what did not change. Leases and the registry of projects are kept
in such stores.
"""

from klotho.stores.remembered import Remembered
from klotho.stores.store import Kept, Store, key_part

__all__ = ["Kept", "Remembered", "Store", "key_part"]
