"""SNS: an own store over SQLite behind SNS's query API.

Layers, each knowing only those above it in this list: `errors`, `definition` (settings of topics and subscriptions),
`drafts` (what a message may be), `envelope` (how subscribers get it), `catalog` (topics, subscriptions, messages and
deliveries), `delivery` (to queues and functions), `operations` (what the API's calls do), `service` (the API).
"""

from __future__ import annotations

from klotho.localcloud.services.sns.errors import SnsError
from klotho.localcloud.services.sns.service import Sns

__all__ = ["Sns", "SnsError"]
