"""Where cfn-lint knows less than AWS: the checks a resource's template is not held to, and why.

Input: a resource. Output: ids of checks, for the resource's metadata in the template, so that cfn-lint says nothing in
a user's editor or pipeline either.
"""

from __future__ import annotations

from klotho.resources import Resource


def lint_exceptions(resource: Resource) -> list[str]:
    """E3691 lists full versions of MySQL only. RDS takes a major version and chooses its default minor one; a minor one
    in the template would be wrong as soon as RDS has upgraded it, and the next update would ask for a downgrade."""
    mysql = resource.type == "AWS::RDS::DBInstance" and resource.properties.get("Engine") == "mysql"
    return ["E3691"] if mysql and str(resource.properties.get("EngineVersion", "")).count(".") == 1 else []
