import os

import redis
from redis import asyncio as aioredis

PORT = int(os.environ.get("REDIS_PORT", "6379"))

# @klotho::persist {
#   id = "downloads"
# }
downloads = redis.Redis(host="localhost", port=PORT, decode_responses=True)

# @klotho::persist {
#   id = "visits"
# }
visits = aioredis.from_url(f"redis://localhost:{PORT}")
