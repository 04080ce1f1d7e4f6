import klotho

klotho.Application("accounts", project="kentoso")

klotho.Databases.Postgres("users_db")
