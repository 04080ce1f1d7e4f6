"""What AWS's Lambda Web Adapter does in a container on Lambda, for containers the local cloud runs as functions.

Run as a file by `python -S`, with one argument, JSON: `command` starts the container's program, `port` is where it
listens, `path` is what it is asked to see that it is ready (None: it is once it takes connections). Takes invocations
from the Runtime API, sends each to the program as the HTTP request it stands for, and answers with the response. An
event that is no request goes to `/events`. Nothing of Klotho is imported: this is the container's sandbox.

Source: github.com/aws/aws-lambda-web-adapter (README; `src/lib.rs`: the headers x-amzn-request-context and
x-amzn-lambda-context replace what a client sent under these names; readiness is anything below 500).
"""

import base64
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from urllib.parse import quote, urlencode

HOST = "127.0.0.1"
RUNTIME = "/2018-06-01/runtime"
PAUSE_S = 0.01
PASS_THROUGH = "/events"
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_HOP = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})


def main() -> None:
    told = json.loads(sys.argv[1])
    program = subprocess.Popen(told["command"])
    until_ready(program, int(told["port"]), told["path"])
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        api.request("GET", f"{RUNTIME}/invocation/next")
        asked = api.getresponse()
        body, headers = asked.read(), asked.headers
        number = headers["Lambda-Runtime-Aws-Request-Id"]
        try:
            answer, kind = json.dumps(answered(json.loads(body), headers, int(told["port"]))), "response"
        except (OSError, http.client.HTTPException, ValueError) as error:
            said = {"errorType": type(error).__name__, "errorMessage": f"the container gave no answer: {error}"}
            answer, kind = json.dumps(said), "error"
        if program.poll() is not None:
            sys.exit(program.returncode or 1)  # the sandbox goes with its program
        api.request("POST", f"{RUNTIME}/invocation/{number}/{kind}", answer.encode())
        api.getresponse().read()


def until_ready(program: "subprocess.Popen[bytes]", port: int, path: str | None) -> None:
    """Returns once the program answers; ends with it."""
    while not is_ready(port, path):
        if program.poll() is not None:
            sys.exit(program.returncode or 1)
        time.sleep(PAUSE_S)


def is_ready(port: int, path: str | None) -> bool:
    try:
        if path is None:
            socket.create_connection((HOST, port), 1).close()
            return True
        connection = http.client.HTTPConnection(HOST, port, timeout=5)
        connection.request("GET", path)
        status = connection.getresponse().status
        connection.close()
    except (OSError, http.client.HTTPException):
        return False
    return status < 500


def answered(event: object, context: "http.client.HTTPMessage", port: int) -> object:
    """The program's response to what an event stands for, in the form its sender understands."""
    method, target, headers, body = request_of(event)
    headers["x-amzn-request-context"] = json.dumps(event.get("requestContext") if isinstance(event, dict) else None)
    headers["x-amzn-lambda-context"] = json.dumps(
        {
            "request_id": context["Lambda-Runtime-Aws-Request-Id"],
            "deadline": int(context["Lambda-Runtime-Deadline-Ms"]),
            "invoked_function_arn": context["Lambda-Runtime-Invoked-Function-Arn"],
        }
    )
    connection = http.client.HTTPConnection(HOST, port)
    connection.putrequest(method, target, skip_host="host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value.encode("utf-8", "replace"))
    connection.putheader("content-length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return answer_of(response, content, is_balancer(event))


def request_of(event: object) -> tuple[str, str, dict[str, str], bytes]:
    """Method, target, headers and body."""
    about = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(about, dict) or not ("http" in about or "elb" in about):
        return "POST", PASS_THROUGH, {"content-type": "application/json"}, json.dumps(event).encode()
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    headers = {name: value for name, value in headers.items() if name not in _HOP}
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    if "elb" in about:
        query = urlencode(event.get("queryStringParameters") or {}, safe="%+/:@!$'()*,;~", quote_via=quote)
        return event["httpMethod"], _target(event["path"], query), headers, body
    return about["http"]["method"], _target(event["rawPath"], event.get("rawQueryString") or ""), headers, body


def is_balancer(event: object) -> bool:
    return isinstance(event, dict) and "elb" in (event.get("requestContext") or {})


def _target(path: str, query: str) -> str:
    encoded = quote(path, safe="/%:@!$&'()*+,;=~")
    return f"{encoded}?{query}" if query else encoded


def answer_of(response: "http.client.HTTPResponse", body: bytes, balancer: bool) -> object:
    """An API's answer lists its cookies apart; a load balancer takes one value for each header."""
    headers: dict[str, str] = {}
    cookies = []
    for name, value in response.getheaders():
        key = name.lower()
        if key == "set-cookie" and not balancer:
            cookies.append(value)
        elif key not in _HOP:
            headers[key] = f"{headers[key]},{value}" if key in headers and key != "set-cookie" else value
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    text = None
    if "content-encoding" not in headers and (kind.startswith(_TEXT) or kind.endswith(("+json", "+xml"))):
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = None
    answer: dict[str, object] = {
        "statusCode": response.status,
        "headers": headers,
        "isBase64Encoded": text is None,
        "body": base64.b64encode(body).decode() if text is None else text,
    }
    return {**answer, "cookies": cookies} if cookies else answer


if __name__ == "__main__":
    main()
