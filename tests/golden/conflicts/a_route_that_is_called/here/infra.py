import klotho

klotho.Application("users", project="kentoso")
api = klotho.API("shared", public=False)
web = klotho.Compute.Container("web", context="./web", ports={"http": 8080, "grpc": 50051})
api.attach_service(web, route="/people")
