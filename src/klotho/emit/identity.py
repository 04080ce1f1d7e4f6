"""What `Ref` gives, in terms of a resource's properties.

Cloud Control, and with it Pulumi's `aws-native` and Terraform's `awscc`, calls a resource by its primary identifier,
several parts joined by `|`. `Ref` mostly gives the same, and always for a type with a single identifier that is not
listed here. Source: AWS CloudFormation Template Reference, "Return values" of each type.
"""

from __future__ import annotations

from klotho.catalogue.facts import is_custom, schema

_REF = {
    "AWS::ApiGatewayV2::ApiMapping": "ApiMappingId",
    "AWS::ApiGatewayV2::Authorizer": "AuthorizerId",
    "AWS::ApiGatewayV2::Integration": "IntegrationId",
    "AWS::ApiGatewayV2::Route": "RouteId",
    "AWS::ApiGatewayV2::Stage": "StageName",
    "AWS::Cognito::UserPoolClient": "ClientId",
    "AWS::Cognito::UserPoolGroup": "GroupName",
    "AWS::EC2::EIP": "PublicIp",
    "AWS::ECS::Service": "ServiceArn",
    "AWS::Events::Rule": "Name",
    "AWS::SecretsManager::Secret": "Id",
}
IDENTIFIER = "Id of Cloud Control"
"""Stands for the resource's identifier as a whole."""


class UnknownReferenceError(KeyError):
    """Nobody wrote down what `Ref` of this type gives."""


def attribute_of(type_name: str, attribute: str | None) -> str:
    """The attribute's name for `Ref` (None) or `Fn::GetAtt`, `IDENTIFIER` for what Cloud Control calls the resource."""
    if is_custom(type_name):
        return IDENTIFIER if attribute is None else attribute
    single = [path[0] for path in schema(type_name).primary_identifier if len(path) == 1]
    if attribute is None:
        attribute = _REF.get(type_name)
        if attribute is None:
            if len(schema(type_name).primary_identifier) != 1:
                raise UnknownReferenceError(type_name)
            return IDENTIFIER
    return IDENTIFIER if single == [attribute] and len(schema(type_name).primary_identifier) == 1 else attribute
