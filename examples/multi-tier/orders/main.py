"""Orders: asks `pricing` over gRPC for the price, keeps the order, and asks `receipts` over HTTP to print it."""

from __future__ import annotations

import contextlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import grpc
import uvicorn
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import klotho

TABLE = """
create table if not exists orders (
    id bigint generated always as identity primary key,
    item text not null,
    quantity integer not null,
    cents integer not null
)
"""


@contextlib.asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    url = klotho.config.datastores.get("orders_db").url
    async with AsyncConnectionPool(url, min_size=1, max_size=10, open=False, kwargs={"row_factory": dict_row}) as pool:
        async with pool.connection() as connection:
            await connection.execute(TABLE)
        app.state.pool = pool
        yield


async def price_of(item: str, quantity: int) -> dict[str, Any]:
    """One gRPC call; messages are JSON, so that no generated code is needed."""
    async with grpc.aio.insecure_channel(klotho.config.services.get("pricing").grpc) as channel:
        call = channel.unary_unary(
            "/shop.Pricing/Price",
            request_serializer=lambda message: json.dumps(message).encode(),
            response_deserializer=json.loads,
        )
        answer: dict[str, Any] = await call({"item": item, "quantity": quantity}, timeout=10)
        return answer


async def run(request: Request, statement: str, *values: Any) -> list[dict[str, Any]]:
    async with request.app.state.pool.connection() as connection:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


async def create_order(request: Request) -> Response:
    body = await request.json()
    item, quantity = str(body.get("item", "")), int(body.get("quantity", 1))
    try:
        price = await price_of(item, quantity)
    except grpc.aio.AioRpcError as error:
        status = 404 if error.code() is grpc.StatusCode.NOT_FOUND else 502
        return JSONResponse({"message": error.details()}, status_code=status)
    statement = "insert into orders (item, quantity, cents) values (%s, %s, %s) returning id, item, quantity, cents"
    rows = await run(request, statement, item, quantity, price["cents"])
    return JSONResponse(rows[0], status_code=201)


async def get_order(request: Request) -> Response:
    statement = "select id, item, quantity, cents from orders where id = %s"
    rows = await run(request, statement, request.path_params["id"])
    return JSONResponse(rows[0]) if rows else JSONResponse({"message": "no such order"}, status_code=404)


async def print_order(request: Request) -> Response:
    url = f"{klotho.config.services.get('receipts').url}/receipts/{request.path_params['id']}"

    def fetch() -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    status, text = await run_in_threadpool(fetch)
    return Response(text, status_code=status, media_type="text/plain")


app = Starlette(
    routes=[
        Route("/orders", create_order, methods=["POST"]),
        Route("/orders/{id:int}", get_order, methods=["GET"]),
        Route("/orders/{id:int}/print", print_order, methods=["GET"]),
    ],
    lifespan=lifespan,
)

if __name__ == "__main__":
    uvicorn.run(app, host=os.environ.get("HOST", "0.0.0.0"), port=int(os.environ["PORT"]))
