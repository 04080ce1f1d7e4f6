"""`Auth.OIDC`: a provider that exists already, so nothing is made of it; an API's authorizer names it.

Source: API Gateway Developer Guide, "Control access to HTTP APIs with JWT authorizers": keys by the issuer's discovery
document, RSA only.
"""

from __future__ import annotations

from klotho.application import Construct
from klotho.catalogue.rules import Implementation, Output, Parameter, Setting
from klotho.diagnostics import Report

KIND = "Auth.OIDC"


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    if str(setting.parameter(construct, "issuer")).startswith("http://"):
        report.warning(
            "issuer-on-this-machine",
            f"{construct.title} is on this machine, where AWS can't reach it",
            construct.place("issuer"),
            helps=["for an environment on AWS give the provider's https issuer"],
        )
    if not any(item.verb == "authenticates_with" for item in setting.application.relationships_on(construct.id)):
        report.warning(
            "auth-unused",
            f"nothing authenticates with {construct.title}",
            construct.span,
            helps=[f"say which API does: `api.authenticates_with({construct.name})`, or leave it out"],
        )


OIDC = Implementation(
    kind=KIND,
    name="oidc",
    service="OpenID Connect provider",
    expand=lambda construct, setting: (),
    parameters={
        "issuer": Parameter("the provider's issuer, an https URL, to the character as in its tokens"),
        "audience": Parameter("what a token's `aud`, or else its `client_id`, must be: one or several"),
    },
    outputs={
        "issuer": Output(lambda construct, setting: setting.parameter(construct, "issuer"), "the provider's issuer"),
    },
    instead_of_adoption=(
        "it only refers to a provider, which is there already: nothing is made of it",
        "leave out `existing=`: `issuer` and `audience` say which provider it is",
    ),
    check=_check,
)
