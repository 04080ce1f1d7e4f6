import klotho

klotho.Application("shop", project="kentoso")
klotho.Domain("kentoso.example")
