import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.KeyValue("sessions", key="id")
klotho.Messaging.Queue("changes")
klotho.Databases.Postgres("users_db", version="18")
