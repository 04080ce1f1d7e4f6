import klotho

klotho.Application("users", project="kentoso")
klotho.Databases.MySQL("users_db")
