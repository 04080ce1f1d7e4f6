"""What is packed of the function that asks a container who may call an API (`klotho.relay`), when an API has one."""

from __future__ import annotations

from klotho.application import Construct
from klotho.application.access import GUARD
from klotho.catalogue.rules import Setting
from klotho.resources import PackageAsset

HANDLER = "klotho.relay.handler.handler"
RUNTIME = "python3.13"
VARIABLE = "KLOTHO_AUTHORIZER"
"""Says what it asks: JSON with `namespace`, `service` and `path`."""
ASKED = "Compute.Container"


def relay_asset(construct: Construct, setting: Setting) -> PackageAsset | None:
    """Its zip, from Klotho's own source; None for an API that no container guards."""
    said = setting.application.relationships_of(construct.id)
    if not any(item.verb == GUARD and item.target.startswith(f"{ASKED}/") for item in said):
        return None
    return PackageAsset(construct.id, "zip", {"package": "relay", "handler": HANDLER, "runtime": RUNTIME})
