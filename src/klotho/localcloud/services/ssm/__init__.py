"""Systems Manager Parameter Store of the local cloud."""

from __future__ import annotations

from klotho.localcloud.services.ssm.service import SsmService
from klotho.localcloud.services.ssm.store import Parameters

__all__ = ["Parameters", "SsmService"]
