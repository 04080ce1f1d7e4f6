"""A small shop: three containers that call each other, two functions, a database, and one API over all of it."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("multi-tier", project="examples")

orders_db = Databases.Postgres(name="orders_db")

orders = Compute.Container(context="./orders")
pricing = Compute.Container(context="./pricing", ports={"http": 8080, "grpc": 50051})
receipts = Compute.Container(context="./receipts", always_on=False)
report = Compute.Function(name="report", handler="functions/report.handler")
discount = Compute.Function(name="discount", handler="functions/discount.handler")

orders.read_writes_to(orders_db)
report.reads_from(orders_db)

orders.calls(pricing, "grpc")  # what does it cost?
orders.calls(receipts)  # please print one
receipts.calls(orders)  # what was ordered?
pricing.calls(discount)  # is there a discount today?

api = API(name="shop")
api.attach_service(orders, route="/orders")
api.attach_service(pricing, route="/prices")
api.attach_service(receipts, route="/receipts")
api.attach_service(report, route="/report", methods=["GET"])
api.attach_service(discount, route="/discounts/{code}", methods=["GET"])
