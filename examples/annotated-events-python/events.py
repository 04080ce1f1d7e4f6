from pyee.asyncio import AsyncIOEventEmitter

# @klotho::pubsub {
#   id = "pet-events"
# }
events = AsyncIOEventEmitter()
