import klotho

klotho.Application("mail", project="kentoso")
klotho.Messaging.Queue("letters")
