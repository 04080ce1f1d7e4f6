import klotho

klotho.Application("billing", project="kentoso")
db = klotho.Databases.Postgres("user_db", from_project=True)
invoice = klotho.Compute.Function("invoice", handler="invoice.handler")
invoice.reads_from(db)
