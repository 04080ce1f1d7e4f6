"""Users: create, list, read, change, delete. The database's address and password come from Klotho's runtime SDK."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import uvicorn
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import klotho

TABLE = """
create table if not exists users (
    id bigint generated always as identity primary key,
    email text not null unique,
    name text not null,
    created_at timestamptz not null default now()
)
"""
COLUMNS = "id, email, name, created_at::text as created_at"


def open_pool() -> AsyncConnectionPool:
    database = klotho.config.datastores.get("users_db")
    return AsyncConnectionPool(database.url, min_size=1, max_size=10, open=False, kwargs={"row_factory": dict_row})


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    async with open_pool() as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        app.state.pool = pool
        yield


class BadRequest(Exception):
    """The caller's mistake, said to the caller."""


async def read_user(request: Request) -> tuple[str, str]:
    try:
        body = await request.json()
    except json.JSONDecodeError as error:
        raise BadRequest("the body is not JSON") from error
    if not isinstance(body, dict):
        raise BadRequest("the body is not a JSON object")
    email, name = body.get("email"), body.get("name")
    if not isinstance(email, str) or "@" not in email:
        raise BadRequest("`email` is missing or not an address")
    if not isinstance(name, str) or not name.strip():
        raise BadRequest("`name` is missing")
    return email.strip().lower(), name.strip()


async def run(request: Request, statement: str, *values: Any) -> list[dict[str, Any]]:
    async with request.app.state.pool.connection() as connection:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


async def list_users(request: Request) -> Response:
    return JSONResponse({"users": await run(request, f"select {COLUMNS} from users order by id")})


async def create_user(request: Request) -> Response:
    email, name = await read_user(request)
    rows = await run(request, f"insert into users (email, name) values (%s, %s) returning {COLUMNS}", email, name)
    return JSONResponse(rows[0], status_code=201, headers={"location": f"/users/{rows[0]['id']}"})


async def get_user(request: Request) -> Response:
    rows = await run(request, f"select {COLUMNS} from users where id = %s", request.path_params["id"])
    return JSONResponse(rows[0]) if rows else not_found()


async def change_user(request: Request) -> Response:
    email, name = await read_user(request)
    statement = f"update users set email = %s, name = %s where id = %s returning {COLUMNS}"
    rows = await run(request, statement, email, name, request.path_params["id"])
    return JSONResponse(rows[0]) if rows else not_found()


async def delete_user(request: Request) -> Response:
    rows = await run(request, "delete from users where id = %s returning id", request.path_params["id"])
    return Response(status_code=204) if rows else not_found()


def not_found() -> Response:
    return JSONResponse({"message": "no such user"}, status_code=404)


async def bad_request(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": str(error)}, status_code=400)


async def taken(request: Request, error: Exception) -> Response:
    return JSONResponse({"message": "that email address is taken"}, status_code=409)


app = Starlette(
    routes=[
        Route("/users", list_users, methods=["GET"]),
        Route("/users", create_user, methods=["POST"]),
        Route("/users/{id:int}", get_user, methods=["GET"]),
        Route("/users/{id:int}", change_user, methods=["PUT"]),
        Route("/users/{id:int}", delete_user, methods=["DELETE"]),
    ],
    exception_handlers={BadRequest: bad_request, psycopg.errors.UniqueViolation: taken},
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ["PORT"]), log_level="info")
