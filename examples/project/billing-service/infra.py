"""Billing for the project kentoso: calls a function of the user service, and serves a route of its API."""

import klotho
from klotho import API, Compute, Databases

klotho.Application("billing-service", project="kentoso")

invoices = Databases.KeyValue(name="invoices", key="id")
billing = Compute.Function(name="billing", handler="functions/billing.handler")
billing.read_writes_to(invoices)

create_invoice = Compute.Function(name="create_invoice", from_project=True)
billing.calls(create_invoice)

api = API(name="kentoso-api", from_project=True)
api.attach_service(billing, route="/billing")
