import klotho

klotho.Application("billing", project="kentoso")
api = klotho.API("shared", from_project=True)
web = klotho.Compute.Container("web", from_project=True)
worker = klotho.Compute.Container("worker", context="./worker")
worker.calls(api)
worker.calls(web, protocol="grpc")
