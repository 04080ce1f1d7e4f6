"""How Terraform's `awscc` provider spells AWS's names.

Input: a resource type, a property's name. Output: Terraform's type and attribute. The rule is the provider's own:
`internal/naming/naming.go` of hashicorp/terraform-provider-awscc. A top-level `Id` is `<resource>_id`, because `id` is
what Cloud Control calls the resource (`secret_id` of `awscc_secretsmanager_secret`).
"""

from __future__ import annotations

from functools import cache

_WHOLE = {"CloudFormation": "Cloudformation", "CloudFront": "Cloudfront", "CloudWatch": "Cloudwatch", "FSx": "Fsx"}


@cache
def snake(name: str) -> str:
    """`DBInstanceIdentifier` as `db_instance_identifier`, `Ipv6CidrBlock` as `ipv_6_cidr_block`."""
    for whole, written in _WHOLE.items():
        name = name.replace(whole, written)
    return "".join(_pieces(name))


def _pieces(name: str) -> list[str]:
    """The provider's loop: each letter lowered, with an underscore where the case changes."""
    pieces = []
    for at, letter in enumerate(name):
        after = name[at + 1] if at + 1 < len(name) else ""
        before = name[at - 1] if at else ""
        capital, small, digit = _kinds(letter)
        next_capital, next_small, next_digit = _kinds(after)
        if capital and next_small and _kinds(before)[0]:
            pieces.append("_")
        pieces.append(letter.lower() if capital or small or digit else "_")
        if (small and (next_capital or next_digit)) or (digit and (next_capital or next_small)):
            pieces.append("_")
    return pieces


def _kinds(letter: str) -> tuple[bool, bool, bool]:
    """Whether it is a capital, a small letter, a digit."""
    return "A" <= letter <= "Z", "a" <= letter <= "z", "0" <= letter <= "9"


@cache
def type_of(type_name: str) -> str:
    """`AWS::RDS::DBInstance` gives `awscc_rds_db_instance`."""
    _, service, resource = type_name.split("::")
    return f"awscc_{service.lower()}_{snake(resource)}"


def attribute(type_name: str, path: str) -> str:
    """An attribute to read, nested ones with dots."""
    if path == "Id":
        return f"{snake(type_name.split('::')[2])}_id"
    return ".".join(snake(part) for part in path.split("."))
