import klotho

klotho.Application("users", project="kentoso")
klotho.Messaging.Queue("changes")
