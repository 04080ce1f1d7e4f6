import klotho

klotho.Application("billing", project="kentoso")
api = klotho.API("shared", from_project=True)
invoice = klotho.Compute.Function("invoice", handler="invoice.handler")
api.attach_service(invoice, route="/users/{user}", methods=["GET", "POST"])
