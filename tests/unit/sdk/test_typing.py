"""Editors and mypy see the SDK as it is: real parameters, and no name that does not exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GOOD = """\
import klotho
from klotho import API, Compute, Databases

klotho.Application("shop", project="acme")
orders_db = Databases.Postgres(name="orders_db")
carts = Databases.KeyValue("carts", key={"user": str, "at": int}, indexes={"by_at": "at"})
orders = Compute.Container(name="orders", context="./services/orders")
pdf = Compute.Container(context="./services/pdf", ports={"http": 80}, environment={"A": orders.url, "B": 1})
invoice = Compute.Function(name="invoice", handler="functions/invoice.handler")
orders.read_writes_to(orders_db)
invoice.reads_from(orders_db)
orders.calls(pdf, "grpc")
orders.calls(invoice)
api = API(name="shop-api", cors=["https://shop.example"])
api.attach_service(orders, route="/orders")
api.attach_service(invoice, route="/api/invoice", methods=["GET"])
orders.use("fargate", cpu=512)
orders_db.override("AWS::RDS::DBInstance", {"MultiAZ": True})
orders_db.requires(availability=99.9)
with klotho.Stack("payments"):
    mailer: Compute.Function = Compute.Function(name="mailer", from_project=True)
text: str = f"{orders.url}/x"
"""

BAD = [
    'klotho.Compute.Contaner("a")',
    "klotho.Contaner",
    'klotho.Compute.Container("a", contxt="x")',
    'klotho.Compute.Container("a", port="80")',
    'klotho.API("a").reads_from(klotho.API("b"))',
    'klotho.Compute.Function("f").calls(klotho.API("b"), "htp")',
    'klotho.Databases.Postgres("d").port = "1"',
]


def test_mypy_strict_takes_a_right_program_and_refuses_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "infra.py").write_text(GOOD)
    (tmp_path / "wrong.py").write_text("import klotho\n" + "\n".join(BAD) + "\n")
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(tmp_path / "cache"),
    ]
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\n")
    done = subprocess.run(
        [*command, "--config-file", str(config), "infra.py", "wrong.py"], cwd=tmp_path, capture_output=True, text=True
    )
    lines = done.stdout.splitlines()
    assert not [line for line in lines if line.startswith("infra.py")], done.stdout
    wrong = {int(line.split(":")[1]) for line in lines if line.startswith("wrong.py") and ": error:" in line}
    assert wrong == set(range(2, len(BAD) + 2)), done.stdout
