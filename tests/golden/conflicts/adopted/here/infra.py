import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.KeyValue("sessions", existing="sessions-of-old")
klotho.Messaging.Queue("changes")
klotho.Databases.Postgres("users_db", version="18")
