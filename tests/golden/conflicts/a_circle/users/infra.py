import klotho

klotho.Application("users", project="kentoso")
web = klotho.Compute.Container("web", context="./web")
worker = klotho.Compute.Container("worker", from_project=True)
web.calls(worker)
