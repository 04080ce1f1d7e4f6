"""DynamoDB: an own store over SQLite behind DynamoDB's API (docs/decisions/0002-dynamodb-store.md says why).

Layers, each knowing only those above it in this list: `number`, `values`, `keys` (data and its byte order); `syntax`,
`parser`, `scope`, `conditions`, `projections`, `updates` (expressions); `definition`, `rows`, `table`, `catalog`
(storage); `writes`, `reads`, `queries`, `batches`, `transactions`, `administration` (operations); `service` (the API).
"""

from __future__ import annotations

from klotho.localcloud.services.dynamodb.errors import DynamoDbError
from klotho.localcloud.services.dynamodb.service import DynamoDb

__all__ = ["DynamoDb", "DynamoDbError"]
