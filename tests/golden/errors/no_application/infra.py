from klotho import Databases

Databases.KeyValue("carts")
Databases.KeyValue("orders")
