import klotho

klotho.Databases.KeyValue("carts")
klotho.Application("shop")
klotho.Application("again")
klotho.Databases.KeyValue("carts")
