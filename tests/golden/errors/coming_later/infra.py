import klotho
from klotho import Auth, Databases, Site

klotho.Application("shop")
Auth.UserPool("people")
Site("web", directory="./web")
cache = Databases.Redis("cache")
