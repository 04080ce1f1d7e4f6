import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.KeyValue("sessions", key=["tenant", "id"])
klotho.Messaging.Queue("changes", fifo=True)
klotho.Databases.Postgres("users_db", version="17")
