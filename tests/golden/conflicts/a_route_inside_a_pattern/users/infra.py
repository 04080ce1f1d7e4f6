import klotho

klotho.Application("users", project="kentoso")
api = klotho.API("shared")
web = klotho.Compute.Container("web", context="./web")
api.attach_service(web, route="/users/{id}")
