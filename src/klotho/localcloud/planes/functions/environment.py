"""The environment variables of a function: what AWS sets and what the template says; no more.

Input: the function as it is to run, and its code's folder. Output: the variables (Lambda docs, "Defined runtime
environment variables") apart from the two that each worker has for itself. Refuses nothing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from klotho.localcloud.planes.functions import runtimes
from klotho.localcloud.planes.functions.layers import search_paths
from klotho.localcloud.planes.functions.model import FunctionSpec
from klotho.localcloud.planes.server_certificate import trust

if TYPE_CHECKING:
    from klotho.localcloud.cloud import Cloud


def environment(
    cloud: Cloud, spec: FunctionSpec, code: Path, packages: Path, opt: Path | None = None
) -> dict[str, str]:
    """`packages` is the folder with what AWS's Python runtime brings, `opt` what the function's layers hold."""
    reserved = {
        "_HANDLER": spec.handler,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{spec.runtime}",
        "LAMBDA_TASK_ROOT": str(code),
        "LAMBDA_RUNTIME_DIR": str(packages),
        **lambda_variables(cloud, spec),
    }
    if spec.role_arn:
        key = cloud.credentials.issue(spec.construct, spec.role_arn)
        reserved |= {"AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret}
    defaults = {
        "AWS_ENDPOINT_URL": cloud.endpoint_url,
        "LANG": "en_US.UTF-8",
        "PATH": runtimes.path_variable(spec.runtime),
        "TZ": ":UTC",
        **trust(cloud.state),
    }
    if opt is not None:
        defaults["PATH"] = f"{defaults['PATH']}:{opt}/bin"
    return {**defaults, **search_paths(opt, spec.runtime), **spec.environment, **reserved}


def lambda_variables(cloud: Cloud, spec: FunctionSpec) -> dict[str, str]:
    """What Lambda says of a function, whatever it is made of."""
    found = {
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": spec.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": spec.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": spec.log_group,
        "AWS_REGION": cloud.region,
    }
    return found if spec.log_level is None else {**found, "AWS_LAMBDA_LOG_LEVEL": spec.log_level}
