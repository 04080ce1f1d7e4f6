import json

import klotho


def settings(text: str) -> dict[str, str]:
    return json.loads(text)


klotho.Application("shop", regin="eu-central-1")
klotho.Databases.KeyValue("carts")
for text in ["{}", "{"]:
    settings(
        text,
    )
klotho.Databases.Mongo("never reached")
