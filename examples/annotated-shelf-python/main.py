"""A shelf: notes, drafts and labels in databases, files in a folder, counts in Redis, answers in a cache."""

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiofiles
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse
from shelf import drafts, labels, notes
from shelf.counts import downloads, visits
from shelf.keys import SIGNING_KEY
from shelf.media import MEDIA
from shelf.memory import cache
from shelf.search import search


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    MEDIA.mkdir(exist_ok=True)
    notes.prepare()
    labels.prepare()
    await drafts.prepare()
    yield


# @klotho::expose {
#   id = "shelf-api"
# }
app = FastAPI(lifespan=lifespan)
app.include_router(notes.router)
app.include_router(drafts.router, prefix="/drafts")
app.include_router(labels.router, prefix="/labels")


@app.get("/visits/{page}")
async def visit(page: str) -> dict[str, int]:
    return {"visits": await visits.hincrby("pages", page, 1)}


@app.put("/media/{name}", status_code=204)
async def store(name: str, request: Request) -> None:
    async with aiofiles.open(MEDIA / name, "wb") as file:
        await file.write(await request.body())
    with open((MEDIA / name).with_suffix(".log"), "a") as log:  # noqa: PTH123
        log.write(f"{name}\n")


@app.get("/media")
async def listing(pattern: str = "*") -> dict[str, object]:
    return {"names": sorted(path.name for path in MEDIA.iterdir()), "found": await search(pattern)}


@app.get("/media/{name}", response_class=PlainTextResponse)
async def fetch(name: str) -> str:
    path = MEDIA / name
    if not path.is_file():
        raise HTTPException(404)
    downloads.incr(name)
    async with aiofiles.open(path) as file:
        lines = [line async for line in file]
    return f"{path.stat().st_size} bytes, {downloads.get(name)} times\n{''.join(lines)}"


@app.delete("/media/{name}", status_code=204)
def remove(name: str) -> None:
    try:
        (MEDIA / name).unlink()
    except FileNotFoundError as error:
        raise HTTPException(404, "no such file") from error


@app.get("/signed/{text}")
def sign(text: str) -> dict[str, str]:
    key = SIGNING_KEY.read_text().strip()
    return {"signature": hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()}


@app.get("/cached/{key}")
async def cached(key: str) -> dict[str, object]:
    known = await cache.exists(key)
    if not known:
        await cache.set(key, {"key": key, "parts": [1, 2.5, None]}, ttl=60)
    try:
        await cache.add(key, "again")
        added = True
    except ValueError:
        added = False
    count = await cache.increment(f"count of {key}")
    return {"known": known, "added": added, "count": count, "all": await cache.multi_get([key, "nothing"])}


@app.delete("/cached/{key}")
async def forget(key: str) -> dict[str, object]:
    return {"deleted": await cache.delete(key), "then": await cache.get(key, "gone")}
