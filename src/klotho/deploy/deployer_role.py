"""A role that deploys one application to one environment, and nothing else.

Input: the policies it needs (`catalogue.deployer`), and which repositories' workflows may take it on. Output: the stack
of the role, one per application and environment, so that no repository may deploy another one's application. Made with
the person's consent. Refuses more policies than a role takes (`too-many-policies`).
Source: IAM quotas, "Managed policies attached to an IAM role" (10); GitHub documentation, "Configuring OpenID Connect
in Amazon Web Services".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klotho.deploy.bootstrap import make_stack
from klotho.deploy.place import Place
from klotho.deploy.stacks import DeployedStack, StackCalls
from klotho.diagnostics import ExitCode, Failure
from klotho.resources.naming import dashed
from klotho.stacks import DIGEST

ISSUER = "token.actions.githubusercontent.com"
MAX_POLICIES = 10
_REPOSITORIES, _OWN_PROVIDER = "GitHubRepositories", "GitHubProviderMade"
_ROLE = "RoleArn"


@dataclass(frozen=True, slots=True)
class Deployer:
    """Whose role it is."""

    project: str
    application: str
    environment: str
    """As klotho.yaml names it: all users' or branches' environments of one name share a role."""
    region: str

    @property
    def role_name(self) -> str:
        """At most 64 characters, as IAM has it."""
        return f"klotho-deploy-{dashed(f'{self.project}-{self.application}-{self.environment}-{self.region}', 50)}"

    @property
    def stack_name(self) -> str:
        return f"klotho-deployer-{dashed(f'{self.project}-{self.application}-{self.environment}', 100)}"

    def role_arn(self, account: str) -> str:
        """Whether it is there yet or not."""
        return f"arn:aws:iam::{account}:role/{self.role_name}"


@dataclass(frozen=True, slots=True)
class GitHub:
    """Which repositories' workflows may deploy."""

    repositories: tuple[str, ...]
    """`owner/name`, sorted."""
    makes_provider: bool = True
    """Whether this stack makes the account's identity provider for GitHub, of which there can be one."""


def repositories_of(stack: DeployedStack | None) -> tuple[str, ...]:
    """Whose workflows may take the role on now."""
    given = stack.outputs.get(_REPOSITORIES, "") if stack is not None else ""
    return tuple(name for name in given.split(",") if name)


def ensure(
    calls: StackCalls,
    place: Place,
    deployer: Deployer,
    policies: Sequence[Mapping[str, Any]],
    github: GitHub | None,
    consent: Callable[[str], bool],
) -> DeployedStack:
    """The role is there with these policies. `github` adds to those that may take it on; `consent` is asked first."""
    if len(policies) > MAX_POLICIES:
        raise Failure(
            "too-many-policies",
            f"deploying this application takes {len(policies)} policies, and a role takes {MAX_POLICIES}",
            helps=("`klotho permissions --out DIR` writes them: attach them to two roles, or have the quota raised",),
        )
    there = calls.find(deployer.stack_name)
    trusted = _together(there, github)
    who = f" for workflows of {', '.join(trusted.repositories)}" if trusted else ""
    question = f"Make or change the role {deployer.role_name} in {place.account}{who}, with {len(policies)} policies?"
    if not consent(question):
        raise Failure("not-agreed", "no role was made", exit_code=ExitCode.CANCELLED)
    tags = {"klotho:deployer-of": f"{deployer.project}/{deployer.application}/{deployer.environment}"}
    make_stack(calls, deployer.stack_name, template(deployer, policies, trusted), tags, there)
    return calls.describe(deployer.stack_name)


def _together(there: DeployedStack | None, more: GitHub | None) -> GitHub | None:
    names = {*repositories_of(there), *(more.repositories if more else ())}
    if not names:
        return None
    made_here = there is not None and there.outputs.get(_OWN_PROVIDER) == "true"
    return GitHub(tuple(sorted(names)), made_here or (more is not None and more.makes_provider))


def template(deployer: Deployer, policies: Sequence[Mapping[str, Any]], github: GitHub | None) -> dict[str, Any]:
    """The role, its policies, and where it makes one the identity provider for GitHub."""
    made = {"GitHubProvider": _PROVIDER} if github is not None and github.makes_provider else {}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Deploys {deployer.application} to {deployer.environment} with Klotho.",
        "Parameters": {DIGEST: {"Type": "String"}},
        "Resources": {
            "Role": _role(deployer, github),
            **{f"Policy{number}": _policy(document) for number, document in enumerate(policies, start=1)},
            **made,
        },
        "Outputs": {
            _ROLE: {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
            DIGEST: {"Value": {"Ref": DIGEST}},
            **({_REPOSITORIES: {"Value": ",".join(github.repositories)}} if github else {}),
            **({_OWN_PROVIDER: {"Value": "true"}} if made else {}),
        },
    }


_PROVIDER: Mapping[str, Any] = {
    "Type": "AWS::IAM::OIDCProvider",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"Url": f"https://{ISSUER}", "ClientIdList": ["sts.amazonaws.com"]},
}


def _policy(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]}}


def _role(deployer: Deployer, github: GitHub | None) -> dict[str, Any]:
    """Whom else the account lets take it on is decided by the account's own policies on `sts:AssumeRole`."""
    account = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}
    trust: list[dict[str, Any]] = [{"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}]
    if github is not None:
        trust.append(_github_trust(github))
    made = {"DependsOn": "GitHubProvider"} if github is not None and github.makes_provider else {}
    return {
        "Type": "AWS::IAM::Role",
        **made,
        "Properties": {
            "RoleName": deployer.role_name,
            "Description": f"Deploys {deployer.application} to {deployer.environment} with Klotho.",
            "MaxSessionDuration": 3600,
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
        },
    }


def _github_trust(github: GitHub) -> dict[str, Any]:
    provider = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:oidc-provider/{ISSUER}"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": {"Fn::Sub": provider}},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com"},
            "StringLike": {f"{ISSUER}:sub": [f"repo:{name}:*" for name in github.repositories]},
        },
    }
