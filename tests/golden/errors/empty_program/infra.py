import klotho

klotho.Application("shop")
