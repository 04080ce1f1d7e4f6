"""CloudFormation's API as any AWS SDK calls it.

Input: authenticated `ApiCall`s in the Query protocol. Output: XML. An action or option the local cloud does not carry
is refused by name. API reference: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from klotho.localcloud.cloudformation import query
from klotho.localcloud.cloudformation.acting import calling
from klotho.localcloud.cloudformation.changesets import ChangeSetRequest, ChangeSets
from klotho.localcloud.cloudformation.deployment import required_capabilities
from klotho.localcloud.cloudformation.drift import Drift
from klotho.localcloud.cloudformation.engine import Engine, StackRequest
from klotho.localcloud.cloudformation.errors import not_carried, validation_error
from klotho.localcloud.cloudformation.fields import (
    NAME,
    PAGE,
    Fields,
    bad_name,
    check_fields,
    listed,
    new_name,
    next_token,
    objects,
    page,
    required,
    token_of,
)
from klotho.localcloud.cloudformation.imports import ResourceToImport
from klotho.localcloud.cloudformation.parameters import check_declarations
from klotho.localcloud.cloudformation.refactor_api import RefactorApi
from klotho.localcloud.cloudformation.render import (
    change_set_detail,
    change_set_summary,
    event,
    parameter_declaration,
    resource_detail,
    resource_summary,
    stack_detail,
    stack_summary,
)
from klotho.localcloud.cloudformation.store import Stack
from klotho.localcloud.cloudformation.template import MAX_BODY, MAX_STORED_BODY, Template, read_template
from klotho.localcloud.service import ApiCall, ApiError, ApiResponse

_STACK_FIELDS = {
    "StackName",
    "TemplateBody",
    "TemplateURL",
    "Parameters",
    "Capabilities",
    "Tags",
    "ClientRequestToken",
}


class CloudFormationService:
    """Implements `klotho.localcloud.service.Service`."""

    name = "cloudformation"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._change_sets = ChangeSets(engine)
        self._drift = Drift(engine)
        self._refactors = RefactorApi(engine, self._template_body)
        self._actions: Mapping[str, Callable[[Fields], dict[str, Any]]] = {
            "ContinueUpdateRollback": self._continue_update_rollback,
            "CreateChangeSet": self._create_change_set,
            "CreateStack": self._create_stack,
            "CreateStackRefactor": self._refactors.create,
            "DeleteChangeSet": self._delete_change_set,
            "DeleteStack": self._delete_stack,
            "DescribeChangeSet": self._describe_change_set,
            "DescribeStackDriftDetectionStatus": self._describe_drift_detection,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackRefactor": self._refactors.describe,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResourceDrifts": self._describe_resource_drifts,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "DetectStackDrift": self._detect_drift,
            "ExecuteChangeSet": self._execute_change_set,
            "ExecuteStackRefactor": self._refactors.execute,
            "GetTemplate": self._get_template,
            "GetTemplateSummary": self._get_template_summary,
            "ListChangeSets": self._list_change_sets,
            "ListStackRefactorActions": self._refactors.actions,
            "ListStackRefactors": self._refactors.listed,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
            "UpdateStack": self._update_stack,
            "UpdateTerminationProtection": self._update_termination_protection,
            "ValidateTemplate": self._validate_template,
        }

    async def call(self, call: ApiCall) -> ApiResponse:
        """Answer one request; every ApiError becomes XML that SDKs turn into their ClientError."""
        request_id = str(uuid4())
        try:
            fields = query.parse(call.body, call.query)
            action = str(fields.get("Action") or call.action)
            perform = self._actions.get(action)
            if perform is None:
                raise ApiError(
                    "InvalidAction", f"CloudFormation action {action} is not supported by the local cloud yet"
                )
            with calling(call.caller):
                return query.answer(action, perform(fields), request_id)
        except ApiError as error:
            return query.fault(error, request_id)

    # Stacks

    def _create_stack(self, fields: Fields) -> dict[str, Any]:
        allowed = _STACK_FIELDS | {"EnableTerminationProtection", "DisableRollback", "RoleARN", "DeploymentConfig"}
        check_fields("CreateStack", fields, allowed, {**_CREATE_DEFAULTS, "OnFailure": ("ROLLBACK", "DO_NOTHING")})
        name = new_name(fields)
        request = self._stack_request(name, fields, new=True)
        request.termination_protection = fields.get("EnableTerminationProtection") == "true"
        request.keep_on_failure = _keeps_on_failure(fields)
        return {"StackId": self._engine.create_stack(request)}

    def _update_stack(self, fields: Fields) -> dict[str, Any]:
        allowed = _STACK_FIELDS | {"RoleARN", "UsePreviousTemplate", "DeploymentConfig"}
        check_fields("UpdateStack", fields, allowed, _CREATE_DEFAULTS)
        return {"StackId": self._engine.update_stack(self._stack_request(required(fields, "StackName"), fields))}

    def _delete_stack(self, fields: Fields) -> dict[str, Any]:
        allowed = {"StackName", "RetainResources", "ClientRequestToken", "RoleARN"}
        check_fields("DeleteStack", fields, allowed, {"DeletionMode": ("STANDARD",)})
        retain = [str(name) for name in listed(fields, "RetainResources")]
        name, token = required(fields, "StackName"), fields.get("ClientRequestToken")
        self._engine.delete_stack(name, retain, token, fields.get("RoleARN"))
        return {}

    def _continue_update_rollback(self, fields: Fields) -> dict[str, Any]:
        allowed = {"StackName", "ClientRequestToken", "ResourcesToSkip"}
        check_fields("ContinueUpdateRollback", fields, allowed, {})
        skip = [str(name) for name in listed(fields, "ResourcesToSkip")]
        self._engine.continue_rollback(required(fields, "StackName"), fields.get("ClientRequestToken"), skip)
        return {}

    def _update_termination_protection(self, fields: Fields) -> dict[str, Any]:
        stack = self._engine.stack(required(fields, "StackName"))
        stack.termination_protection = required(fields, "EnableTerminationProtection") == "true"
        self._engine.store.put_stack(stack)
        return {"StackId": stack.stack_id}

    def _stack_request(self, name: str, fields: Fields, new: bool = False) -> StackRequest:
        values, use_previous = _parameters(fields)
        template = self._template_body(fields)
        if template is None and (new or fields.get("UsePreviousTemplate") != "true"):
            raise validation_error("Either Template URL or Template Body must be specified.")
        tags = None
        if "Tags" in fields:
            tags = {required(tag, "Key"): str(tag.get("Value", "")) for tag in objects(fields, "Tags")}
        return StackRequest(
            name=name,
            template=template,
            parameters=values,
            use_previous=use_previous,
            tags=tags,
            capabilities=[str(item) for item in listed(fields, "Capabilities")],
            client_token=fields.get("ClientRequestToken"),
            role_arn=fields.get("RoleARN"),
            express=_is_express(fields),
        )

    def _template_body(self, fields: Fields) -> str | None:
        if fields.get("TemplateURL"):
            return self._stored_template(str(fields["TemplateURL"]))
        body = fields.get("TemplateBody")
        if body is not None and len(str(body).encode()) > MAX_BODY:
            raise validation_error(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
                f"length less than or equal to {MAX_BODY}"
            )
        return None if body is None else str(body)

    def _stored_template(self, url: str) -> str:
        """A template in a bucket of this cloud; any other place is refused, for nothing here goes to the network."""
        cloud = self._engine.cloud
        base = f"{cloud.endpoint_url.rstrip('/')}/"
        bucket, _, key = unquote(url.removeprefix(base)).partition("/")
        if not url.startswith(base) or not key:
            raise validation_error(
                f"TemplateURL must reference a bucket of this local cloud ({base}<bucket>/<key>): {url}"
            )
        content = cloud.objects.get(bucket, key)
        if content is None:
            raise validation_error(f"S3 error: The specified key does not exist: {url}")
        if len(content) > MAX_STORED_BODY:
            raise validation_error(f"Template at {url} has {len(content)} bytes, AWS takes at most {MAX_STORED_BODY}")
        return content.decode(errors="replace")

    def _describe_stacks(self, fields: Fields) -> dict[str, Any]:
        if fields.get("StackName"):
            return {"Stacks": [self._stack_detail(self._engine.stack(str(fields["StackName"])))]}
        alive = [stack for stack in self._engine.store.stacks() if stack.status != "DELETE_COMPLETE"]
        return page("Stacks", [self._stack_detail(stack) for stack in alive], fields)

    def _stack_detail(self, stack: Stack) -> dict[str, Any]:
        return stack_detail(stack)

    def _list_stacks(self, fields: Fields) -> dict[str, Any]:
        wanted = set(map(str, listed(fields, "StackStatusFilter")))
        found = [stack for stack in self._engine.store.stacks() if not wanted or stack.status in wanted]
        return page("StackSummaries", [stack_summary(stack) for stack in found], fields)

    def _describe_stack_events(self, fields: Fields) -> dict[str, Any]:
        stack = self._engine.stack(required(fields, "StackName"))
        before = token_of(fields)
        events = self._engine.store.events(stack.stack_id, before, PAGE + 1)
        result: dict[str, Any] = {"StackEvents": [event(item) for item in events[:PAGE]]}
        if len(events) > PAGE:
            result["NextToken"] = next_token(events[PAGE - 1].number)
        return result

    def _describe_stack_resource(self, fields: Fields) -> dict[str, Any]:
        stack = self._engine.stack(required(fields, "StackName"))
        logical_id = required(fields, "LogicalResourceId")
        found = self._engine.store.resources(stack.stack_id).get(logical_id)
        if found is None:
            raise validation_error(f"Resource {logical_id} does not exist for stack {stack.name}")
        return {"StackResourceDetail": resource_detail(found, stack)}

    def _describe_stack_resources(self, fields: Fields) -> dict[str, Any]:
        if "PhysicalResourceId" in fields:
            raise not_carried("PhysicalResourceId of DescribeStackResources")
        stack = self._engine.stack(required(fields, "StackName"))
        wanted = fields.get("LogicalResourceId")
        found = self._engine.store.resources(stack.stack_id).values()
        shown = [resource_detail(item, stack, "Timestamp") for item in found if wanted in (None, item.logical_id)]
        return {"StackResources": shown[:PAGE]}

    def _list_stack_resources(self, fields: Fields) -> dict[str, Any]:
        stack = self._engine.stack(required(fields, "StackName"))
        found = self._engine.store.resources(stack.stack_id).values()
        return page("StackResourceSummaries", [resource_summary(item) for item in found], fields)

    # Drift

    def _detect_drift(self, fields: Fields) -> dict[str, Any]:
        check_fields("DetectStackDrift", fields, {"StackName", "LogicalResourceIds"}, {})
        wanted = [str(name) for name in listed(fields, "LogicalResourceIds")]
        return {"StackDriftDetectionId": self._drift.detect(required(fields, "StackName"), wanted)}

    def _describe_drift_detection(self, fields: Fields) -> dict[str, Any]:
        return self._drift.status(required(fields, "StackDriftDetectionId"))

    def _describe_resource_drifts(self, fields: Fields) -> dict[str, Any]:
        allowed = {"StackName", "StackResourceDriftStatusFilters", "NextToken", "MaxResults"}
        check_fields("DescribeStackResourceDrifts", fields, allowed, {})
        wanted = [str(name) for name in listed(fields, "StackResourceDriftStatusFilters")]
        return page("StackResourceDrifts", self._drift.resources(required(fields, "StackName"), wanted), fields)

    # Templates

    def _get_template(self, fields: Fields) -> dict[str, Any]:
        if fields.get("ChangeSetName"):
            change_set = self._change_sets.find(str(fields["ChangeSetName"]), fields.get("StackName"))
            body = change_set.inputs.template
        else:
            body = self._engine.stack(required(fields, "StackName")).inputs.template
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _validate_template(self, fields: Fields) -> dict[str, Any]:
        template = self._given_template(fields)
        return {
            "Parameters": [
                _without(parameter_declaration(name, item), "ParameterType", "ParameterConstraints")
                for name, item in template.parameters.items()
            ],
            "Description": template.description,
            **_capabilities(template),
        }

    def _get_template_summary(self, fields: Fields) -> dict[str, Any]:
        if fields.get("StackName"):
            template = read_template(self._engine.stack(str(fields["StackName"])).inputs.template)
        else:
            template = self._given_template(fields)
        return {
            "Parameters": [parameter_declaration(name, item) for name, item in template.parameters.items()],
            "Description": template.description,
            "ResourceTypes": sorted({item.type_name for item in template.resources.values()}),
            **_capabilities(template),
        }

    def _given_template(self, fields: Fields) -> Template:
        body = self._template_body(fields)
        if body is None:
            raise validation_error("Either Template URL or Template Body must be specified.")
        template = read_template(body)
        check_declarations(template.parameters)
        return template

    # Change sets

    def _create_change_set(self, fields: Fields) -> dict[str, Any]:
        allowed = (_STACK_FIELDS - {"ClientRequestToken"}) | {
            "ChangeSetName",
            "ChangeSetType",
            "ClientToken",
            "Description",
            "ResourcesToImport",
            "UsePreviousTemplate",
        }
        check_fields("CreateChangeSet", fields, allowed, _CHANGE_SET_DEFAULTS)
        kind = str(fields.get("ChangeSetType", "UPDATE"))
        name = required(fields, "ChangeSetName")
        if NAME.fullmatch(name) is None:
            raise bad_name("changeSetName", name)
        stack_name = required(fields, "StackName")
        if kind == "CREATE" or (kind == "IMPORT" and not stack_name.startswith("arn:")):
            stack_name = new_name(fields)
        request = ChangeSetRequest(
            stack=self._stack_request(stack_name, fields, new=kind == "CREATE"),
            name=name,
            kind=kind,
            description=fields.get("Description"),
            client_token=fields.get("ClientToken"),
            imports=[_to_import(item) for item in objects(fields, "ResourcesToImport")],
        )
        change_set = self._change_sets.create(request)
        return {"Id": change_set.change_set_id, "StackId": change_set.stack_id}

    def _describe_change_set(self, fields: Fields) -> dict[str, Any]:
        change_set = self._change_sets.find(required(fields, "ChangeSetName"), fields.get("StackName"))
        stack = self._engine.stack(change_set.stack_id)
        return {**change_set_detail(change_set, stack), **page("Changes", change_set.changes, fields)}

    def _list_change_sets(self, fields: Fields) -> dict[str, Any]:
        stack = self._engine.stack(required(fields, "StackName"))
        found = self._change_sets.listed(stack.stack_id)
        return page("Summaries", [change_set_summary(item, stack) for item in found], fields)

    def _execute_change_set(self, fields: Fields) -> dict[str, Any]:
        allowed = {"ChangeSetName", "StackName", "ClientRequestToken"}
        check_fields(
            "ExecuteChangeSet", fields, allowed, {"DisableRollback": ("false",), "RetainExceptOnCreate": ("false",)}
        )
        name = required(fields, "ChangeSetName")
        self._change_sets.execute(name, fields.get("StackName"), fields.get("ClientRequestToken"))
        return {}

    def _delete_change_set(self, fields: Fields) -> dict[str, Any]:
        self._change_sets.delete(required(fields, "ChangeSetName"), fields.get("StackName"))
        return {}


_CREATE_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "DisableRollback": ("false",),
    "OnFailure": ("ROLLBACK",),
    "RetainExceptOnCreate": ("false",),
}
"""Options that are taken only with the value that changes nothing."""
_CHANGE_SET_DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "IncludeNestedStacks": ("false",),
    "ImportExistingResources": ("false",),
    "OnStackFailure": ("ROLLBACK",),
}


def _is_express(fields: Fields) -> bool:
    """The mode of `DeploymentConfig`. In express mode AWS rolls back only where `DisableRollback` is false there (User
    Guide, "Deploy stacks faster with express mode"); without a rollback it is not carried."""
    given = fields.get("DeploymentConfig", {})
    if not isinstance(given, Mapping):
        raise ApiError("MalformedQueryString", "DeploymentConfig must be a structure")
    mode, disabled = given.get("Mode", "STANDARD"), given.get("DisableRollback")
    if mode not in ("STANDARD", "EXPRESS"):
        raise validation_error(
            f"1 validation error detected: Value '{mode}' at 'deploymentConfig.mode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [STANDARD, EXPRESS]"
        )
    if disabled == "true" or (mode == "EXPRESS" and disabled != "false"):
        raise not_carried("Option DeploymentConfig without DisableRollback=false")
    return bool(mode == "EXPRESS")


def _keeps_on_failure(fields: Fields) -> bool:
    """AWS takes one of the two options, not both."""
    if "OnFailure" in fields and "DisableRollback" in fields:
        raise validation_error("Only one of OnFailure and DisableRollback can be specified")
    return fields.get("OnFailure") == "DO_NOTHING" or fields.get("DisableRollback") == "true"


def _to_import(item: Fields) -> ResourceToImport:
    """Its identifier is a map, which the protocol writes as numbered entries."""
    identifier = item.get("ResourceIdentifier", {})
    entries = identifier.get("entry", {}) if isinstance(identifier, dict) else {}
    keys = {required(entry, "key"): str(entry.get("value", "")) for entry in dict(entries).values()}
    return ResourceToImport(required(item, "ResourceType"), required(item, "LogicalResourceId"), keys)


def _parameters(fields: Fields) -> tuple[dict[str, str], frozenset[str]]:
    values: dict[str, str] = {}
    use_previous: set[str] = set()
    for item in objects(fields, "Parameters"):
        key = required(item, "ParameterKey")
        if item.get("UsePreviousValue") == "true":
            use_previous.add(key)
        elif "ParameterValue" in item:
            values[key] = str(item["ParameterValue"])
    return values, frozenset(use_previous)


def _capabilities(template: Template) -> dict[str, Any]:
    needed = required_capabilities(template)
    if not needed:
        return {}
    types = sorted({item.type_name for item in template.resources.values() if item.type_name.startswith("AWS::IAM::")})
    return {
        "Capabilities": needed,
        "CapabilitiesReason": f"The following resource(s) require capabilities: [{', '.join(types)}]",
    }


def _without(item: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in names}
