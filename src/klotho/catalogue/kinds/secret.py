"""`Secret` in Secrets Manager.

The secret is made empty: the template holds no value and no placeholder that could be mistaken for one, and a read
before `klotho secret set` fails instead of handing out something useless. It has no physical name of its own, so that
one kept by its DeletionPolicy is never in the way of its successor. Source: CloudFormation Template Reference,
"AWS::SecretsManager::Secret" (omit SecretString and GenerateSecretString for an empty secret).
"""

from __future__ import annotations

from collections.abc import Iterator

from klotho.application import Construct
from klotho.catalogue.adoption import Adoption
from klotho.catalogue.rules import Implementation, Output, Setting
from klotho.diagnostics import Report
from klotho.resources import AddResource, Ref, ResourceKey, Value, resource_key
from klotho.resources.changes import Action
from klotho.resources.naming import environment_suffix

TTL_SUFFIX = "TTL_SECONDS"
"""`KLOTHO_SECRET_TTL_SECONDS` is an option of the runtime, so no secret may have that variable."""


def secret_key(construct: Construct) -> ResourceKey:
    return resource_key(construct.id, "secret")


def secret_arn(construct: Construct) -> Value:
    """The secret's ARN, with the six characters Secrets Manager appends: exact in a policy."""
    return Ref(secret_key(construct), "Id")


def secrets_manager(construct: Construct, setting: Setting) -> Iterator[Action]:
    """The empty secret, encrypted with the account's key for Secrets Manager."""
    yield AddResource(
        secret_key(construct),
        "AWS::SecretsManager::Secret",
        {"Description": f"{construct.name} of {setting.application.name}: set it with klotho secret set"},
    )


def _check(construct: Construct, setting: Setting, report: Report) -> None:
    if environment_suffix(construct.label) == TTL_SUFFIX:
        report.error(
            "name-reserved",
            f"{construct.title} would use the variable `KLOTHO_SECRET_{TTL_SUFFIX}`, which is an option of the runtime",
            construct.span,
            helps=["give it another name"],
        )


SECRETS_MANAGER = Implementation(
    kind="Secret",
    name="secrets-manager",
    service="AWS Secrets Manager",
    expand=secrets_manager,
    outputs={
        "arn": Output(lambda construct, setting: secret_arn(construct), "ARN of the secret"),
        "value": Output(lambda construct, setting: "", "the value", secret=True),
    },
    shares=lambda construct, setting: (("secret", "Id"),),
    adoption=Adoption(
        type="AWS::SecretsManager::Secret",
        key=secret_key,
        service="secretsmanager",
        resource="secret:{}",
        name=r"[A-Za-z0-9/_+=.@-]{1,512}-[A-Za-z0-9]{6}",
        identifier=lambda found: found.arn,
        attributes={"Id": lambda found: found.arn},
        arn_only=True,  # the name alone lacks the six characters Secrets Manager appends
    ),
    stateful=True,
    check=_check,
)
