import klotho
from klotho import Auth, Databases, Domain, Site, Storage

klotho.Application("shop")
files = Storage.Bucket("files")
Storage.Bucket("jobs").triggered_by(files)
Auth.UserPool("people")
domain = Domain(name="shop.example")
domain.attach_cert("./certs/shop.crt")
Site("web", directory="./web")
cache = Databases.Redis("cache")
Databases.KeyValue("carts").attach_cert(cache)
