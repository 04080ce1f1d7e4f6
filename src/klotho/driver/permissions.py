"""The policy a deployer of this program needs, for one environment.

Input: a compiled program. Output: `Policies`. Refuses an environment on AWS that does not say its account
(`account-not-said`): a policy for any account would be one for nobody's. No network.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from klotho.deploy import bootstrap
from klotho.deploy.place import Place
from klotho.diagnostics import Failure
from klotho.driver.build import Build
from klotho.driver.output_folder import write_output
from klotho.localcloud.identity import ACCOUNT
from klotho.resources import DeployerStep
from klotho.resources.naming import project_stack_name, project_stack_prefix, stack_prefix
from klotho.stacks import PROJECT_STACK, ForeignSource, Manifest
from klotho.stores import key_part

if TYPE_CHECKING:
    from klotho.catalogue.deployer import Policies, Target


def deployer_policies(built: Build, target: Target | None = None) -> Policies:
    """What whoever runs `up` and `down --delete-data` for this program has to be allowed. `target`: of `target_of`."""
    from klotho.catalogue.deployer import policy_documents

    templates = {stack.stack_name: orjson.loads(built.templates[stack.template]) for stack in built.manifest.stacks}
    return policy_documents(
        templates,
        target or target_of(built),
        steps={name for step in built.manifest.steps for name in _step_names(step)},
        images=built.environment.target == "aws" and any(item.type != "zip" for item in built.manifest.assets),
        others=_others(built.manifest),
    )


def _others(manifest: Manifest) -> dict[str, str]:
    """What the stacks of other applications begin with, by the parameters that have their values."""
    sources = (item for stack in manifest.stacks for item in stack.parameters.items())
    return {
        name: stack_prefix(manifest.project, source.application, manifest.environment)
        for name, source in sources
        if isinstance(source, ForeignSource)
    }


def _step_names(step: DeployerStep) -> tuple[str, ...]:
    """A step that looks something up needs what reading that type needs."""
    return (step.step, *([f"{step.step}:{step.properties['type']}"] if "type" in step.properties else []))


def write_policies(folder: Path, policies: Policies, program_folder: Path) -> list[Path]:
    """Write `deployer-1.json` and so on, as `aws iam create-policy --policy-document file://…` takes them."""
    files = {
        f"deployer-{number}.json": orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        for number, document in enumerate(policies.documents, start=1)
    }
    target = write_output(folder, files, program_folder)
    return [target / name for name in files]


def target_of(built: Build, *, every_owner: bool = False) -> Target:
    """Where the environment deploys to. `every_owner`: also those of other users or branches, where each has one."""
    from klotho.catalogue.deployer import Target

    account = _account(built)
    stem = {"bucket_stem": bootstrap.BUCKET_STEM} if built.environment.target == "aws" else {}
    place = Place(built.region, account, **stem)
    manifest = built.manifest
    prefix = stack_prefix(manifest.project, manifest.application, manifest.environment)
    shared_prefix = None
    if built.application.in_project:
        shared_prefix = project_stack_name(manifest.project, manifest.environment, PROJECT_STACK)
    if every_owner and built.environment.template is not None:
        template = stack_prefix(manifest.project, manifest.application, built.environment.template)
        prefix = f"{template.removesuffix('--')}-"
        if shared_prefix is not None:  # of all branches: what differs between them is in the middle of the name
            shared_prefix = project_stack_prefix(manifest.project, built.environment.template)
    return Target(
        built.region,
        account,
        place.artifact_bucket,
        prefix,
        bootstrap.project_bucket(place),
        key_part(manifest.project),
        shared_prefix,
    )


def _account(built: Build) -> str:
    environment = built.environment
    if environment.target == "local":
        return ACCOUNT
    if environment.account is None:
        raise Failure(
            "account-not-said",
            f"the environment `{environment.name}` does not say which AWS account it is",
            at=environment.span,
            notes=("a policy names the account's resources",),
            helps=('write `account: "123456789012"`, with your account\'s digits, below its name in klotho.yaml',),
        )
    return environment.account
