import klotho
from klotho import API, Compute, Contaner, Databases, Queue

klotho.Application("shop")
orders = Compute.Contaner("orders", context="./services/orders")
db = Databases.Mongo("orders_db")
orders.reads_from(db)
klotho.Databse.Postgres("again")
web = Compute.Container("web", context="./web")
web.reads_form(db)
API("api").reads_from(db)
web.adress
Compute("web")
