"""Serves an ASGI or WSGI application to Lambda: an event of an HTTP API in, its answer out. No server, no port."""

import asyncio
import base64
import inspect
import io
import re
import sys
from urllib.parse import quote

_TEXT = re.compile(r"^(text/|application/(json|javascript|xml|x-www-form-urlencoded)|[^;]+\+(json|xml))", re.I)


def serving(application, loop):
    """A function of an event. What an application does at its start is done before the first."""
    call = application if inspect.isfunction(application) else type(application).__call__
    if not inspect.iscoroutinefunction(call):
        return lambda event: _wsgi(application, event)
    loop.run_until_complete(_start(application))
    return lambda event: loop.run_until_complete(_asgi(application, event))


async def _start(application):
    """The lifespan of ASGI, which lasts as long as the process; an application without one raises, and needs none."""
    told, ended = asyncio.get_running_loop().create_future(), asyncio.Event()
    begun = False

    async def receive():
        nonlocal begun
        if begun:
            await ended.wait()
            return {"type": "lifespan.shutdown"}
        begun = True
        return {"type": "lifespan.startup"}

    async def send(message):
        if not told.done() and message["type"].startswith("lifespan.startup"):
            told.set_result(message)

    async def live():
        try:
            await application({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        except Exception:
            if not told.done():
                told.set_result({"type": "lifespan.startup.complete"})

    _start.task = asyncio.ensure_future(live())  # kept, so that it is not collected
    message = await told
    if message["type"] == "lifespan.startup.failed":
        raise RuntimeError(f"the application does not start: {message.get('message', '')}")


async def _asgi(application, event):
    request, body, over = _request(event), _body(event), asyncio.Event()
    status, headers, parts, given = 500, [], [], False

    async def receive():
        nonlocal given
        if given:
            await over.wait()
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status, headers = message["status"], message.get("headers", [])
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                over.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request["method"],
        "scheme": request["scheme"],
        "path": request["path"],
        "raw_path": quote(request["path"], safe="/%:@!$&'()*+,;=~-._").encode(),
        "query_string": request["query"].encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request["headers"]],
        "client": (request["client"], 0),
        "server": (request["host"], 443),
        "state": {},
    }
    await application(scope, receive, send)
    pairs = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]
    return _response(status, pairs, b"".join(parts), request["method"])


def _wsgi(application, event):
    request, body = _request(event), _body(event)
    environ = {
        "REQUEST_METHOD": request["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": request["path"].encode().decode("latin-1"),
        "QUERY_STRING": request["query"],
        "SERVER_NAME": request["host"],
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request["client"],
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request["headers"]:
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = value
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = value
    started = []
    answer = application(
        environ, lambda status, headers, error=None: started.append((status, headers)) or (lambda data: None)
    )
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, headers = started[-1]
    pairs = [(name.lower(), value) for name, value in headers]
    return _response(int(status.split(" ", 1)[0]), pairs, content, request["method"])


def _request(event):
    headers = [(name.lower(), value) for name, value in event.get("headers", {}).items()]
    headers = [(name, value) for name, value in headers if name not in ("transfer-encoding", "connection")]
    if event.get("cookies"):
        headers.append(("cookie", "; ".join(event["cookies"])))
    known = dict(headers)
    http = event["requestContext"]["http"]
    return {
        "method": http["method"],
        "path": event["rawPath"],
        "query": event.get("rawQueryString", ""),
        "headers": headers,
        "scheme": known.get("x-forwarded-proto", "https"),
        "host": known.get("host", "localhost").split(":")[0],
        "client": http.get("sourceIp", "127.0.0.1"),
    }


def _body(event):
    body = event.get("body") or ""
    return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()


def _response(status, pairs, body, method):
    headers, cookies = {}, []
    for name, value in pairs:
        if name == "set-cookie":
            cookies.append(value)
        elif name not in ("connection", "keep-alive", "transfer-encoding"):
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if method == "HEAD":
        body = b""
    text = _TEXT.match(headers.get("content-type", "")) and "content-encoding" not in headers
    plain = body.decode() if text and _is_utf8(body) else None
    return {
        "statusCode": status,
        "headers": headers,
        "cookies": cookies,
        "body": base64.b64encode(body).decode() if plain is None else plain,
        "isBase64Encoded": plain is None,
    }


def _is_utf8(body):
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
