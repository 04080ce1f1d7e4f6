"""Whether code may believe what a request says of its caller.

An API that authenticates tells the code who called: in a Lambda event, or by a header that it overwrites in every
request (`attach.py`). That is worth something only while nobody else can send the code a request: security groups let
the API's VPC link in, and `lambda:InvokeFunction` is granted to the API. Whoever `calls` the service, or reaches a
container through a private API, can say anything. (A load balancer can't overwrite a request's headers, and Service
Connect's proxy does not either.) So the code is told at compile time, in `KLOTHO_CALLER`, and `klotho.config.caller`
refuses where it was told of others. Sources: Elastic Load Balancing User Guide, "HTTP header modification" (response
headers, and names of headers about TLS); Amazon ECS Developer Guide, "Service Connect".
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.application.access import ATTACH
from klotho.catalogue.foreign import guarded
from klotho.catalogue.kinds.internal_alb import is_private
from klotho.catalogue.rules import LAMBDA, Link, Setting
from klotho.resources.changes import Action

CONTAINER = "Compute.Container"
VARIABLE = "KLOTHO_CALLER"
_API = "api"
"""Nobody but APIs reaches the code; else `also:` and the names of those who do."""
_ADAPTER = "adapter"
"""The same of a container on Lambda: AWS's adapter hands on what the event says of the caller, in a header that
replaces what a client sent under its name."""


def tell_who_vouches(link: Link) -> Iterator[Action]:
    """For a service behind an API that authenticates; where none does, nobody vouches and nothing is said."""
    setting, service = link.setting, link.target
    application = guarded(setting.application, link.actor.id, setting.foreign(link.actor))
    verbs = {item.verb for item in application.relationships_of(link.actor.id)}
    if "authenticates_with" not in verbs or setting.adopted(service) is not None:
        return
    others = _others(service, setting)
    by_adapter = service.kind == CONTAINER and setting.compute(service).host == LAMBDA
    said = f"also:{','.join(others)}" if others else _ADAPTER if by_adapter else _API
    yield setting.compute(service).environment(service, VARIABLE, said)


def _others(service: Construct, setting: Setting) -> list[str]:
    """The names of services that call it, and of private APIs that lead to it."""
    application = setting.application
    found = set()
    for item in application.relationships_on(service.id):
        actor = application.construct(item.actor)
        # An event of a load balancer says itself where it comes from; a header does not.
        by_balancer = item.verb == ATTACH and is_private(actor) and setting.compute(service).host != LAMBDA
        if item.verb == "calls" or by_balancer:
            found.add(actor.name)
    return sorted(found)
