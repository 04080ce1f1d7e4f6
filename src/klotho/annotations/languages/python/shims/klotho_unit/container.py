"""What a container runs: the unit's application behind a server on $PORT, which takes calls of other units at a path of
its own. A unit that serves nothing gets a server for its calls."""

import asyncio
import inspect
import json
import os
import signal
import sys
import threading
from http.client import responses

from klotho_unit import unit
from klotho_unit.routers import answer_of, event_of, handed_on, served_by

CALL = "/_klotho/call"
PORT = int(os.environ.get("PORT", "8080"))


def main():
    application = unit.application()
    if application is not None and _is_asgi(application):
        import uvicorn

        served = _asgi(application) if unit.CALLS or unit.SERVED else application
        uvicorn.run(_listening(served) if unit.LISTENS else served, host="0.0.0.0", port=PORT)
        return
    _ends_on_sigterm()
    run = _in_a_loop()
    _listen(run)
    if application is None:
        _serve_calls(run)
        return
    import waitress

    served = _wsgi(application, run) if unit.CALLS or unit.SERVED else application
    waitress.serve(served, host="0.0.0.0", port=PORT, threads=16)


def _is_asgi(application):
    call = application if inspect.isfunction(application) else type(application).__call__
    return inspect.iscoroutinefunction(call)


def is_inside(method, headers):
    """An API overwrites the one header in every request, a load balancer adds the other: nobody from outside is without
    both."""
    return method == "POST" and "x-klotho-caller" not in headers and "x-forwarded-port" not in headers


async def reply(body):
    from klotho_unit.answers import answered

    return json.dumps(await answered(json.loads(body))).encode()


def _asgi(application):
    async def front(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == CALL:
            headers = {name.decode("latin-1").lower() for name, _ in scope["headers"]}
            if is_inside(scope["method"], headers):
                await _called(receive, send)
                return
        other = served_by(scope["path"]) if scope["type"] == "http" else None
        if other is None:
            await application(scope, receive, send)
        else:
            await _handed_on(scope, receive, send, other)

    return front


async def _read(receive):
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def _handed_on(scope, receive, send, other):
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    query = scope["query_string"].decode("latin-1")
    event = event_of(scope["method"], scope["path"], query, headers, await _read(receive))
    status, pairs, body = answer_of(await asyncio.to_thread(handed_on, event, other))
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _called(receive, send):
    answer = await reply(await _read(receive))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def _listening(application):
    """Listens in the application's own loop, once it is ready."""

    async def front(scope, receive, send):
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return
        loop = asyncio.get_running_loop()

        def run(coroutine):
            return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

        async def tell(message):
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                _listen(run)

        try:
            await application(scope, receive, tell)
        except Exception:  # an application without a lifespan raises, and needs none
            _listen(run)
            raise

    return front


def _listen(run):
    if unit.LISTENS and not _listen.begun:
        from klotho_unit.events import listen

        _listen.begun = True
        listen(unit.LISTENS, run)


_listen.begun = False


def _wsgi(application, run):
    def front(environ, start_response):
        names = {name[5:].replace("_", "-").lower() for name in environ if name.startswith("HTTP_")}
        if environ["PATH_INFO"] != CALL or not is_inside(environ["REQUEST_METHOD"], names):
            other = served_by(environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace"))
            return (
                application(environ, start_response)
                if other is None
                else _wsgi_handed_on(environ, start_response, other)
            )
        answer = run(reply(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))))
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]

    return front


def _wsgi_handed_on(environ, start_response, other):
    headers = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
    event = event_of(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers.items(), body)
    status, pairs, content = answer_of(handed_on(event, other))
    start_response(f"{status} {responses.get(status, '')}", pairs)
    return [content]


def _serve_calls(run):
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Calls(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            known = self.path == CALL and is_inside("POST", {name.lower() for name in self.headers})
            self._say(200 if known else 404, run(reply(body)) if known else b"")

        def do_GET(self):
            self._say(200 if self.path == "/" else 404, b"")

        def _say(self, status, body):
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    ThreadingHTTPServer(("0.0.0.0", PORT), Calls).serve_forever()


def _in_a_loop():
    """Runs coroutines of any thread in one loop, as an application with a loop of its own would."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return lambda coroutine: asyncio.run_coroutine_threadsafe(coroutine, loop).result()


def _ends_on_sigterm():
    """The first process of a container ignores it unless it listens to it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


if __name__ == "__main__":
    main()
