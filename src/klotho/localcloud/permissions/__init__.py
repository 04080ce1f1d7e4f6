"""Permissions as IAM evaluates them: the policies of the deployed templates, for every call of a compute unit.

`wildcard`, `policy`, `conditions` and `evaluate` are IAM's own rules and know nothing of the local cloud; `required`
and `resources` say which actions on which ARNs a request needs; `roles` reads the policies from the World;
`authorizer` is the endpoint's hook; `explain` and `denials` tell people.
"""

from klotho.localcloud.permissions.authorizer import Authorizer
from klotho.localcloud.permissions.denials import Denials

__all__ = ["Authorizer", "Denials"]
