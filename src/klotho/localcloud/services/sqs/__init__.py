"""SQS: an own store over SQLite behind SQS's JSON API.

Layers, each knowing only those above it in this list: `errors`, `definition` (settings of a queue), `drafts` (what a
message may be), `queue` (storage of one queue), `catalog` (the queues), `operations` (what the API's calls do),
`service` (the API).
"""

from __future__ import annotations

from klotho.localcloud.services.sqs.errors import SqsError
from klotho.localcloud.services.sqs.service import Sqs

__all__ = ["Sqs", "SqsError"]
