import klotho
from klotho import API, Compute, Databases

klotho.Application("shop")
db = Databases.Postgres("orders_db")
web = Compute.Container("web", context="./web")
Compute.Container(
    "orders",
    context="./services/orders",
    environment={
        "A": web,
        "B": [1, 2],
        "C": None,
        "D": f"http://{web}/",
        "not a name": "x",
        "E": db.url,
    },
)
Compute.Function(
    "invoice",
    handler="functions/invoice.handler",
    environment={"URL": f"postgres://user:{db.password}@{db.endpoint}/"},
)
Compute.Function("f", handler="functions/invoice.handler", environment=["A=1"])
