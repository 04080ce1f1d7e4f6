"""The users of the project kentoso, a function that writes invoices, and the API in front of all its services."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("user-service", project="kentoso")

users_db = Databases.Postgres(name="users_db")
users = Compute.Container(name="users", context="./service")
users.read_writes_to(users_db)

create_invoice = Compute.Function(name="create_invoice", handler="functions/create_invoice.handler")

api = API(name="kentoso-api")
api.attach_service(users, route="/users")
