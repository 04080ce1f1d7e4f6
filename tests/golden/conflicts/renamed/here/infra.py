import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.Postgres("people_db")
