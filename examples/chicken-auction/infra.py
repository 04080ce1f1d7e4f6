"""Chickens under the hammer: nine endpoints; bids wait their turn in a queue, and who asked is told of an auction."""

import klotho
from klotho import API, Compute, Databases, Messaging

klotho.Application("chicken-auction", project="examples")

# Lists come in order from an index: chickens by breed, auctions by time.
chickens_db = Databases.KeyValue("chickens_db", indexes={"by_breed": ("list", "breed_order")})
auctions_db = Databases.KeyValue("auctions_db", indexes={"by_time": ("list", "id")})
subscriptions_db = Databases.KeyValue("subscriptions_db", key=("chicken_id", "email"))
notices_db = Databases.KeyValue("notices_db", key=("auction_id", "email"))

# A bid is tried once and within ten minutes; one that can't be handled is kept aside.
lost_bids = Messaging.Queue("lost_bids", fifo=True)
bids = Messaging.Queue("bids", fifo=True, dead_letter=lost_bids, max_receives=1, retention=600)
begun = Messaging.Topic("begun")

chickens = Compute.Function("chickens", handler="chickens/handler.handler")  # Python
notifier = Compute.Function("notifier", handler="chickens/notifier.handler")
auctions = Compute.Function("auctions", handler="auctions/handler.handler")  # Node
bidder = Compute.Function("bidder", handler="auctions/bidder.handler", timeout=5)

chickens.read_writes_to(chickens_db)
chickens.writes_to(subscriptions_db)
auctions.read_writes_to(auctions_db)
auctions.reads_from(chickens_db)  # does the chicken exist?
auctions.sends_to(bids)
auctions.publishes_to(begun)
bidder.consumes(bids)
bidder.writes_to(auctions_db)
notifier.subscribes_to(begun)
notifier.reads_from(subscriptions_db)
notifier.writes_to(notices_db)

api = API("auction-api", cors=True)
api.attach_service(chickens, route="/chickens", methods=["GET", "POST"])
api.attach_service(auctions, route="/auctions", methods=["GET", "POST"])
