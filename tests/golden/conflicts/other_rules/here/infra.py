import klotho

klotho.Application("users", project="kentoso")
api = klotho.API("shared")
people = klotho.Auth.UserPool("people")
web = klotho.Compute.Container("web", context="./web")
api.attach_service(web, route="/users")
api.authenticates_with(people)
