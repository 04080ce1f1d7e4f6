import klotho
from klotho import Auth, Databases, Domain, Messaging, Site, Storage

klotho.Application("shop")
files = Storage.Bucket("files")
Messaging.Topic("jobs").triggered_by(files)
Messaging.Topic("news")
Auth.UserPool("people")
domain = Domain(name="shop.example")
domain.attach_cert("./certs/shop.crt")
Site("web", directory="./web")
cache = Databases.Redis("cache")
Databases.KeyValue("carts").subscribes_to(cache)
