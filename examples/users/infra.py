"""A service that keeps users in PostgreSQL, behind an API."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("users", project="examples")

users_db = Databases.Postgres(name="users_db")
users = Compute.Container(name="users", context="./service")
users.read_writes_to(users_db)

api = API(name="users-api")
api.attach_service(users, route="/users")
