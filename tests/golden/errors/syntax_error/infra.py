import klotho

klotho.Application("shop"
klotho.Databases.KeyValue("carts")
