"""Users: create and list. The database's address and password come from Klotho's runtime SDK."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import psycopg
import uvicorn
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import klotho

TABLE = "create table if not exists users (email text primary key, name text not null)"


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    url = klotho.config.datastores.get("users_db").url
    async with AsyncConnectionPool(url, min_size=1, open=False, kwargs={"row_factory": dict_row}) as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        app.state.pool = pool
        yield


async def create(request: Request) -> Response:
    user = await request.json()
    async with request.app.state.pool.connection() as connection:
        try:
            await connection.execute("insert into users values (%s, %s)", (user["email"], user["name"]))
        except psycopg.errors.UniqueViolation:
            return JSONResponse({"message": "that address is taken"}, status_code=409)
    return JSONResponse(user, status_code=201)


async def everyone(request: Request) -> Response:
    async with request.app.state.pool.connection() as connection:
        cursor = await connection.execute("select email, name from users order by email")
        return JSONResponse({"users": await cursor.fetchall()})


app = Starlette(
    routes=[Route("/users", create, methods=["POST"]), Route("/users", everyone, methods=["GET"])],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host="0.0.0.0", port=int(os.environ["PORT"]), log_level="info")
