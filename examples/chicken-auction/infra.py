"""Chickens under the hammer: nine endpoints, two functions, three tables."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("chicken-auction", project="examples")

# Lists come in order from an index: chickens by breed, auctions by time.
chickens_db = Databases.KeyValue("chickens_db", indexes={"by_breed": ("list", "breed_order")})
auctions_db = Databases.KeyValue("auctions_db", indexes={"by_time": ("list", "id")})
subscriptions_db = Databases.KeyValue("subscriptions_db", key=("chicken_id", "email"))

chickens = Compute.Function("chickens", handler="chickens/handler.handler")  # Python
auctions = Compute.Function("auctions", handler="auctions/handler.handler")  # Node

chickens.read_writes_to(chickens_db)
chickens.writes_to(subscriptions_db)
auctions.read_writes_to(auctions_db)
auctions.reads_from(chickens_db)  # does the chicken exist?

api = API("auction-api", cors=True)
api.attach_service(chickens, route="/chickens", methods=["GET", "POST"])
api.attach_service(auctions, route="/auctions", methods=["GET", "POST"])
