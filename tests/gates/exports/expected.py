"""What an export must say, read from the templates by other code than the exporters use.

Input: a bundle. Output: for each resource of each stack its properties with every reference resolved as the mocks of
`run_pulumi_programs.py` answer: `<name>.<attribute>` for what AWS decides, `<name>.id` for what Cloud Control calls it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from klotho.catalogue.facts import is_custom, schema
from klotho.emit import Bundle
from klotho.emit.pulumi.names import camel
from klotho.stacks.model import AssetSource, OutputSource, Source, Stack, StepSource

REF = {
    "AWS::ApiGatewayV2::Authorizer": "AuthorizerId",
    "AWS::ApiGatewayV2::Integration": "IntegrationId",
    "AWS::Cognito::UserPoolClient": "ClientId",
    "AWS::Events::Rule": "Name",
}
"""`Ref` where it is not the primary identifier. Source: CloudFormation Template Reference, "Return values"."""


class Expected:
    """The templates of one program."""

    def __init__(
        self, bundle: Bundle, name_of: Callable[[str], str], spelled: Callable[[str, str], str] | None = None
    ) -> None:
        """`spelled`: an attribute's name, by type and CloudFormation's; Pulumi's unless given."""
        self.spelled = spelled or (lambda _, path: ".".join(camel(part) for part in path.split(".")))
        self.stacks = {stack.name: stack for stack in bundle.manifest.stacks}
        self.documents: dict[str, dict[str, Any]] = {
            stack.name: json.loads(bundle.files[f"cloudformation/{stack.template}"]) for stack in bundle.manifest.stacks
        }
        self.name_of = name_of
        self.owner_of: Mapping[str, str] = {
            logical_id: stack for stack, document in self.documents.items() for logical_id in document["Resources"]
        }

    def resources(self) -> Iterator[tuple[Stack, str, dict[str, Any]]]:
        """Every resource by stack and logical id, with its properties resolved."""
        for name, document in self.documents.items():
            for logical_id, resource in document["Resources"].items():
                properties = self.resolved(resource.get("Properties", {}), name)
                yield self.stacks[name], logical_id, {**resource, "Properties": properties}

    def outputs(self, stack: str) -> dict[str, Any]:
        return {
            name: self.resolved(output["Value"], stack)
            for name, output in self.documents[stack]["Outputs"].items()
            if name != "KlothoDigest"
        }

    def resolved(self, value: Any, stack: str) -> Any:
        if isinstance(value, list):
            return [self.resolved(item, stack) for item in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return self._ref(value["Ref"], stack)
        if set(value) == {"Fn::GetAtt"}:
            return self._attribute(*value["Fn::GetAtt"])
        if set(value) == {"Fn::Select"}:
            return f"<zone {value['Fn::Select'][0]}>"
        if set(value) == {"Fn::Join"}:  # of the parts of a URL: the same without its slash at the end
            return self.resolved(value["Fn::Join"][1][0]["Fn::Select"][1]["Fn::Split"][1], stack)
        if set(value) == {"Fn::Sub"}:
            given_too = isinstance(value["Fn::Sub"], list)
            text, named = value["Fn::Sub"] if given_too else (value["Fn::Sub"], {})
            known = {name: str(self.resolved(item, stack)) for name, item in named.items()}
            return re.sub(r"\$\{([^}]*)\}", lambda match: known.get(match[1]) or self._variable(match[1], stack), text)
        return {name: self.resolved(item, stack) for name, item in value.items()}

    def _variable(self, name: str, stack: str) -> str:
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        owner, _, attribute = name.partition(".")
        return str(self._attribute(owner, attribute) if attribute else self._ref(name, stack))

    def _ref(self, name: str, stack: str) -> Any:
        if name.startswith("AWS::"):
            return f"<{name.removeprefix('AWS::')}>"
        if name in self.documents[stack]["Resources"]:
            resource = self.documents[stack]["Resources"][name]
            return self._attribute(name, REF.get(resource["Type"]))
        source = self.stacks[stack].parameters[name]
        if isinstance(source, OutputSource):
            return self.resolved(self.documents[source.stack]["Outputs"][source.output]["Value"], source.stack)
        return given(name, source)

    def _attribute(self, logical_id: str, attribute: str | None) -> Any:
        stack = self.owner_of[logical_id]
        resource = self.documents[stack]["Resources"][logical_id]
        name = self.name_of(logical_id)
        identifiers = [] if is_custom(resource["Type"]) else schema(resource["Type"]).primary_identifier
        if attribute is None or identifiers == ((attribute,),):
            return f"{name}.id"
        if attribute in resource.get("Properties", {}):
            return self.resolved(resource["Properties"][attribute], stack)
        return f"{name}.{self.spelled(resource['Type'], attribute)}"


def given(name: str, source: Source) -> str:
    """What a value from outside is in the tests."""
    if isinstance(source, StepSource) and source.part.endswith("Port"):
        return "5432"
    return "arm64" if isinstance(source, AssetSource) and source.part == "architecture" else f"<{name}>"


def same(published: Any, said: Any, spelled: Callable[[str], str]) -> bool:
    """Whether a program said what the template says; names of objects are spelled the tool's way, or data."""
    if isinstance(published, dict):
        if not isinstance(said, dict):
            return False
        for names in ({name: spelled(name) for name in published}, {name: name for name in published}):
            if set(names.values()) == set(said):
                return all(same(published[name], said[names[name]], spelled) for name in published)
        return False
    if isinstance(published, list):
        return (
            isinstance(said, list)
            and len(said) == len(published)
            and all(same(one, other, spelled) for one, other in zip(published, said, strict=True))
        )
    return _plain(published) == _plain(said)


def _plain(value: Any) -> str:
    """CloudFormation takes numbers and booleans as text, and text as them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
