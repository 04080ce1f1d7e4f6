"""What the local cloud needs of this machine for a program, looked for before anything is deployed.

Input: a compiled program. Output: nothing. Refuses, at the construct's line, a MySQL database on a machine without a
MariaDB or MySQL server; one that is adopted (`existing=`) needs none.
"""

from __future__ import annotations

from klotho.diagnostics import Failure
from klotho.driver.build import Build
from klotho.resources import owner_of


def refuse_missing_servers(built: Build) -> None:
    """`Failure` for the first construct that could not run here."""
    servers = (item for item in built.graph if item.type in ("AWS::RDS::DBInstance", "AWS::RDS::DBCluster"))
    needing = next((item.key for item in servers if item.properties.get("Engine") in ("mysql", "aurora-mysql")), None)
    if needing is None:
        return
    from klotho.localcloud.planes.mysql_programs import NoServerError, programs

    try:
        programs()
    except NoServerError as error:
        at = built.spans.get(owner_of(needing))
        raise Failure("server-missing", error.reason, at=at, helps=(error.hint,)) from error
