"""How services log in to a database: by a secret, or by a token of IAM where Klotho makes that."""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.rules import Parameter, Setting
from klotho.catalogue.unavailable import check_offered
from klotho.diagnostics import Report

SECRET, IAM = "secret", "iam"
LOGIN = Parameter("how services log in: `secret` (a generated password) or `iam` (a token of their role)", SECRET)
PASSWORDS = Parameter("how services log in: `secret` (a generated password)", SECRET)
WAYS = {
    "Databases.Postgres": (SECRET, IAM),
    "Databases.MySQL": (SECRET,),
    "Databases.Redis": (SECRET,),
}
"""By kind, the default first."""


def login_of(kind: str) -> str:
    """The subject under which `candidates.toml` says which logins are never made."""
    return f"login of {kind}"


def check_login(construct: Construct, setting: Setting, report: Report) -> None:
    """One of the ways that its kind offers; also when `use(…)` says it."""
    check_offered(construct, "login", WAYS[construct.kind], login_of(construct.kind), setting, report)
