"""Code that uses a secret, whose value is set by `klotho secret set`."""

from __future__ import annotations

import subprocess

import pytest

from tests.examples.deployment import KLOTHO
from tests.localcloud.pairs.harness import Deployed, pair

pytestmark = [pytest.mark.localcloud, pytest.mark.timeout(300)]

PROGRAM = """
stripe, other = Secret("stripe"), Secret("other")
user, boxed_user = function("user"), container("boxed-user")
keeper = function("keeper")
user.uses(stripe)
boxed_user.uses(stripe)
keeper.uses(other)
"""


@pair("uses", ("Compute.Function", "Compute.Container"), "Secret")
@pytest.mark.parametrize("unit", ["user", "boxed-user"])
def test_code_reads_its_own_secret_and_no_other(deployed: Deployed, unit: str) -> None:
    given = f"value-for-{unit}"
    subprocess.run(
        [str(KLOTHO), "secret", "set", "stripe"],
        input=given,
        cwd=deployed.deployment.folder,
        env=dict(deployed.deployment.environment),
        text=True,
        check=True,
        capture_output=True,
    )
    assert deployed.run(unit, 'return config.secrets.get("stripe").value') == given
    arn = deployed.run("keeper", 'return json.loads(os.environ["KLOTHO_SECRET_OTHER"])["secret"]')
    with pytest.raises(Exception, match="not authorized to perform: secretsmanager:GetSecretValue"):
        deployed.client("secretsmanager", unit).get_secret_value(SecretId=arn)
