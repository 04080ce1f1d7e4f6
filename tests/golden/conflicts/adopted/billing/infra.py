import klotho

klotho.Application("billing", project="kentoso")
sessions = klotho.Databases.KeyValue("sessions", from_project=True)
changes = klotho.Messaging.Queue("changes", from_project=True)
db = klotho.Databases.Postgres("users_db", from_project=True)
invoice = klotho.Compute.Function("invoice", handler="invoice.handler")
invoice.reads_from(sessions)
invoice.reads_from(db)
invoice.consumes(changes)
