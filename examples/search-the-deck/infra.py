"""Slides in a bucket become text and thumbnails that can be searched, behind a static site."""

import klotho
from klotho import API, Compute, Databases, Messaging, Site, Storage

klotho.Application("search-the-deck", project="examples")

slides = Storage.Bucket("slides")
thumbnails = Storage.Bucket("thumbnails")
cards = Databases.KeyValue("cards", key="slide")
words = Databases.KeyValue("words", key=("word", "slide"))
failed = Messaging.Queue("failed")
found = Messaging.Queue("found", dead_letter=failed, visibility=10)

# Every slide that is put into the bucket is read, many at once …
ocr = Compute.Function("ocr", handler="functions/ocr.handler")
ocr.triggered_by(slides, events="created", suffix=".pgm")
ocr.reads_from(slides)
ocr.sends_to(found)

# … and made small, ten in a call. FAIL_EVERY=20 lets every twentieth fail at its first try: nothing is lost.
resize = Compute.Function("resize", handler="functions/resize.handler", timeout=10, environment={"FAIL_EVERY": 0})
resize.consumes(found, batch=10)
resize.reads_from(slides)
resize.writes_to(thumbnails)
resize.writes_to(cards)
resize.writes_to(words)

search = Compute.Function("search", handler="functions/search.handler")
search.reads_from(cards)
search.reads_from(words)
search.reads_from(thumbnails)

api = API("deck-api", cors=True)
api.attach_service(search, route="/search", methods=["GET"])
api.attach_service(search, route="/thumbnails", methods=["GET"])

site = Site("deck", directory="web", environment={"API_URL": api.url})
