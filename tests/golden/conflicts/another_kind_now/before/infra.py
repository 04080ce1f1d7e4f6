import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.Postgres("users_db")
