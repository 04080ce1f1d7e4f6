"""Small objects that many processes change without losing each other's work.

`Store` is the protocol: read, create if absent, replace or delete if unchanged, list. `folder` keeps them on this
machine, `bucket` in S3. Leases and the registry of projects are kept in such stores.
"""

from klotho.stores.store import Kept, Store, key_part

__all__ = ["Kept", "Store", "key_part"]
