"""A load balancer's event as an API's, and the answer as a load balancer takes it: without a list of cookies."""

from urllib.parse import unquote


def through_balancer(event, context, handler):
    query = event.get("queryStringParameters") or {}
    answer = handler(
        {
            "rawPath": unquote(event["path"]),
            "rawQueryString": "&".join(f"{name}={value}" if value else name for name, value in query.items()),
            "headers": event.get("headers") or {},
            "requestContext": {"http": {"method": event["httpMethod"]}},
            "body": event.get("body"),
            "isBase64Encoded": event.get("isBase64Encoded"),
        },
        context,
    )
    cookies = answer.pop("cookies", [])
    if len(cookies) > 1:
        raise ValueError("an answer through a load balancer can set one cookie, and this one sets several")
    return {**answer, "headers": {**answer["headers"], "set-cookie": cookies[0]}} if cookies else answer
