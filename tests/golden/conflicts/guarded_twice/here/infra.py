import klotho

klotho.Application("billing", project="kentoso")
api = klotho.API("shared", from_project=True)
staff = klotho.Auth.UserPool("staff")
invoice = klotho.Compute.Function("invoice", handler="invoice.handler")
api.attach_service(invoice, route="/invoices")
api.authenticates_with(staff, route="/invoices")
