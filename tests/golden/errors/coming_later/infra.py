import klotho
from klotho import Auth, Databases, Site, Storage

klotho.Application("shop")
files = Storage.Bucket("files")
Storage.Bucket("jobs").triggered_by(files)
Auth.UserPool("people")
Site("web", directory="./web")
cache = Databases.Redis("cache")
