"""Prices: gRPC for other services and HTTP for the API, from one process."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

import klotho

CENTS = {"tea": 250, "coffee": 300, "cake": 420}


def price(item: str, quantity: int) -> int | None:
    """The price in cents after today's discount, None for what is not sold."""
    if item not in CENTS:
        return None
    today = klotho.config.services.get("discount").invoke({"pathParameters": {"code": "today"}})
    percent = json.loads(today["body"])["percent"]
    return CENTS[item] * quantity * (100 - percent) // 100


def answer(request: dict[str, Any], context: grpc.ServicerContext) -> dict[str, Any]:
    cents = price(request["item"], request["quantity"])
    if cents is None:
        context.abort(grpc.StatusCode.NOT_FOUND, f"{request['item']} is not sold here")
    return {"cents": cents}


def serve_grpc(port: str) -> grpc.Server:
    method = grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=json.loads, response_serializer=lambda message: json.dumps(message).encode()
    )
    server = grpc.server(ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("shop.Pricing", {"Price": method})])
    server.add_insecure_port(f"{HOST}:{port}")
    server.start()
    return server


class Prices(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        item = self.path.removeprefix("/prices").strip("/")
        if not item:
            self.reply(200, {"prices": CENTS})
            return
        cents = price(item, 1)
        self.reply(404, {"message": f"{item} is not sold here"}) if cents is None else self.reply(200, {"cents": cents})

    def reply(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


HOST = os.environ.get("HOST", "0.0.0.0")

if __name__ == "__main__":
    server = serve_grpc(os.environ["GRPC_PORT"])
    ThreadingHTTPServer((HOST, int(os.environ["PORT"])), Prices).serve_forever()
