import klotho
import jsn

klotho.Application("shop")
