import klotho

klotho.Application("billing", project="kentoso")
worker = klotho.Compute.Container("worker", context="./worker")
web = klotho.Compute.Container("web", from_project=True)
worker.calls(web)
