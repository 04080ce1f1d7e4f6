import klotho

klotho.Application("billing", project="kentoso")
klotho.Domain("kentoso.example")
