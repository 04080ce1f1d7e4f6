"""What Lambda calls. A request goes to the unit's application in this process, a call of another unit to its module."""

import asyncio

from klotho_unit import unit
from klotho_unit.answers import answered

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
application = unit.application()
_serving = None


def handler(event, context):
    if isinstance(event, dict) and "elb" in event.get("requestContext", ()):
        from klotho_unit.balancer import through_balancer

        return through_balancer(event, context, handler)
    if isinstance(event, dict) and event.get("klotho") == "call":
        return loop.run_until_complete(answered(event))
    if application is not None and isinstance(event, dict) and "requestContext" in event:
        return _server()(event)
    if isinstance(event, dict) and event.get("Records"):
        from klotho_unit.events import received

        return loop.run_until_complete(received(event))
    raise ValueError(f"unit {unit.NAME} was sent something that is no request, no call and no event")


def _server():
    global _serving
    if _serving is None:
        from klotho_unit.web import serving

        _serving = serving(application, loop)
    return _serving
