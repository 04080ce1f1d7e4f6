"""A guestbook: a page behind a CDN, an API it calls, a table."""

import klotho
from klotho import API, Compute, Databases, Site

klotho.Application("guestbook")

entries = Databases.KeyValue("entries")
book = Compute.Function("book", handler="functions/book.handler")
book.read_writes_to(entries)

api = API("api", cors=True)
api.attach_service(book, route="/entries", methods=["GET", "POST"])

Site("web", directory="web", spa=True, environment={"API_URL": api.url})
