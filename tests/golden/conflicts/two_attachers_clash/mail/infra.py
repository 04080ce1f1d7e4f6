import klotho

klotho.Application("mail", project="kentoso")
api = klotho.API("shared", from_project=True)
send = klotho.Compute.Function("send", handler="send.handler")
api.attach_service(send, route="/letters")
