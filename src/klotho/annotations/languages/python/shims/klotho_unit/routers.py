"""Hands requests on for paths that belong to a router of another unit. API Gateway tells `/pets/` and `/Pets` from
`/pets`, applications mostly don't, so such a request comes to the wrong unit."""

import base64
from urllib.parse import quote, urlsplit

from klotho_unit import unit


def served_by(path):
    """The other unit that serves a path; None for this one."""
    parts = [part for part in path.lower().split("/") if part]
    for claimed, name in unit.SERVED:
        if len(claimed) <= len(parts) and all(mine in (None, part) for mine, part in zip(claimed, parts, strict=False)):
            return None if name == unit.NAME else name
    return None


def handed_on(event, other):
    """The other unit's answer, as a function gives it."""
    import klotho

    service = klotho.config.services.get(other)
    return service.invoke(event) if "invoke" in service.protocols else _sent(service.url, event)


def event_of(method, path, query, headers, body):
    """A request that the server of a container got."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": dict(headers),
        "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1"}},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


def answer_of(answer):
    """Status, pairs of headers and body of what a function answers."""
    pairs = [(name.lower(), str(value)) for name, value in answer.get("headers", {}).items()]
    pairs += [("set-cookie", value) for value in answer.get("cookies", ())]
    body = answer.get("body") or ""
    return answer["statusCode"], pairs, base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()


def _sent(url, event):
    from http.client import HTTPConnection, HTTPSConnection

    where, given = urlsplit(url), event.get("body") or ""
    body = base64.b64decode(given) if event.get("isBase64Encoded") else given.encode()
    left_out = ("connection", "transfer-encoding", "content-length")
    headers = {name: value for name, value in event["headers"].items() if name.lower() not in left_out}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    # Marked as coming from outside: calls of functions are taken from inside only.
    headers = {"x-forwarded-port": "443", **headers, "content-length": str(len(body))}
    path = quote(event["rawPath"], safe="/%:@!$&'()*+,;=~-._")
    path += f"?{event['rawQueryString']}" if event.get("rawQueryString") else ""
    connection = (HTTPSConnection if where.scheme == "https" else HTTPConnection)(where.hostname, where.port)
    try:
        connection.request(event["requestContext"]["http"]["method"], path, body, headers)
        answer = connection.getresponse()
        content = base64.b64encode(answer.read()).decode()
        pairs = [(name.lower(), value) for name, value in answer.getheaders()]
        cookies = [value for name, value in pairs if name == "set-cookie"]
        kept = {name: value for name, value in pairs if name not in (*left_out, "set-cookie")}
        status = answer.status
        return {"statusCode": status, "headers": kept, "cookies": cookies, "body": content, "isBase64Encoded": True}
    finally:
        connection.close()
