"""Amazon Cognito user pools in the local cloud."""

from klotho.localcloud.services.cognito.service import UserPools

__all__ = ["UserPools"]
