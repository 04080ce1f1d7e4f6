"""The public names of Klotho: what `infra.py` imports, and `klotho.config` for the deployed services.

Input: attribute access; output: the SDK's classes, loaded when first used, so that `import klotho` stays under 30 ms.
A name that does not exist is a diagnostic while a program is run by Klotho, and an AttributeError everywhere else.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what type checkers take for True; `typing` alone would be most of the time of `import klotho`
if TYPE_CHECKING:
    from klotho.runtime import config as config
    from klotho.sdk.annotated import Annotated as Annotated
    from klotho.sdk.api import API as API
    from klotho.sdk.application import Application as Application
    from klotho.sdk.domain import Domain as Domain
    from klotho.sdk.existing import Existing as Existing
    from klotho.sdk.namespaces import Auth as Auth
    from klotho.sdk.namespaces import Compute as Compute
    from klotho.sdk.namespaces import Databases as Databases
    from klotho.sdk.namespaces import Messaging as Messaging
    from klotho.sdk.namespaces import Storage as Storage
    from klotho.sdk.network import Network as Network
    from klotho.sdk.schedule import Schedule as Schedule
    from klotho.sdk.secret import Secret as Secret
    from klotho.sdk.site import Site as Site
    from klotho.sdk.stack import Stack as Stack

    __version__: str

_HOMES = {
    "Annotated": "klotho.sdk.annotated",
    "API": "klotho.sdk.api",
    "Application": "klotho.sdk.application",
    "Auth": "klotho.sdk.namespaces",
    "Compute": "klotho.sdk.namespaces",
    "Databases": "klotho.sdk.namespaces",
    "Network": "klotho.sdk.network",
    "Domain": "klotho.sdk.domain",
    "Existing": "klotho.sdk.existing",
    "Schedule": "klotho.sdk.schedule",
    "Secret": "klotho.sdk.secret",
    "Site": "klotho.sdk.site",
    "Messaging": "klotho.sdk.namespaces",
    "Stack": "klotho.sdk.stack",
    "Storage": "klotho.sdk.namespaces",
}

__all__ = [
    "API",
    "Annotated",
    "Application",
    "Auth",
    "Compute",
    "Databases",
    "Domain",
    "Existing",
    "Messaging",
    "Network",
    "Schedule",
    "Secret",
    "Site",
    "Stack",
    "Storage",
    "__version__",
    "config",
]

if not TYPE_CHECKING:  # type checkers must go on refusing names that do not exist

    def __getattr__(name: str) -> object:
        if name in _HOMES:
            from importlib import import_module

            value = getattr(import_module(_HOMES[name]), name)
        elif name == "config":
            from importlib import import_module

            value = import_module("klotho.runtime.config")
        elif name == "__version__":
            from importlib.metadata import version

            value = version("klotho")
        elif name.startswith("_"):
            raise AttributeError(f"module 'klotho' has no attribute {name!r}")
        else:
            from importlib import import_module

            return import_module("klotho.sdk.names").other_name(name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted(__all__)
