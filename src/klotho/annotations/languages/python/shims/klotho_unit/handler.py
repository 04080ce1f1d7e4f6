"""What Lambda calls. A request goes to the unit's application in this process, a call of another unit to its module."""

import asyncio

from klotho_unit import unit
from klotho_unit.answers import answered
from klotho_unit.routers import handed_on, served_by

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
application = None
_begun = False
_serving = None


def _begin():
    global application, _begun
    if not _begun:
        application, _begun = unit.application(), True


def handler(event, context):
    _begin()
    if isinstance(event, dict) and "elb" in event.get("requestContext", ()):
        from klotho_unit.balancer import through_balancer

        return through_balancer(event, context, handler)
    if isinstance(event, dict) and event.get("klotho") == "call":
        return loop.run_until_complete(answered(event))
    if application is not None and isinstance(event, dict) and "requestContext" in event:
        other = served_by(event["rawPath"])
        return _server()(event) if other is None else handed_on(event, other)
    if isinstance(event, dict) and event.get("Records"):
        from klotho_unit.events import received

        return loop.run_until_complete(received(event))
    if isinstance(event, dict) and "schedule" in event:
        return None  # called to stay: it is loaded
    raise ValueError(f"unit {unit.NAME} was sent something that is no request, no call and no event")


def _server():
    global _serving
    if _serving is None:
        from klotho_unit.web import serving

        _serving = serving(application, loop)
    return _serving


try:
    _begin()
except Exception as error:
    from klotho.runtime.errors import SecretNotSetError

    if not isinstance(error, SecretNotSetError):  # the next event tries again
        raise
