"""What a service knows of a user pool: ids for Cognito calls, made with an AWS SDK or any Cognito client."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from klotho.runtime.grants import Grant


class UserPool:
    """A user pool: `name` as in infra.py, `pool_id`, `client_id` and `issuer` as AWS knows it."""

    __slots__ = ("access", "client_id", "issuer", "kind", "name", "pool_id")

    def __init__(self, grant: Grant) -> None:
        self.name = grant.name
        self.kind = grant.kind
        self.pool_id = str(grant["pool"])
        self.client_id = str(grant["client"])
        """Of the public app client, which has no secret."""
        self.issuer = str(grant["issuer"])
        """`iss` of its tokens."""
        self.access = str(grant.fields.get("access", ""))

    def __repr__(self) -> str:
        return f"<UserPool {self.name!r} {self.pool_id}>"

    @property
    def region(self) -> str:
        return self.pool_id.partition("_")[0]

    @property
    def endpoint_url(self) -> str | None:
        """For an AWS SDK's `endpoint_url`: None on AWS, the local cloud's address there."""
        from klotho.runtime.aws import configured_endpoint

        return configured_endpoint("cognito-idp")
