"""A client of redis-py on the unit's cache when it is deployed, and the client it was when it is not."""

import os

_ADDRESS = ("host", "port", "db", "username", "password", "ssl", "url", "startup_nodes", "address_remap")


def client_of(name, make):
    if not os.environ.get("KLOTHO_UNIT"):
        return make

    def made(*_, **options):
        import klotho

        url = klotho.config.datastores.get(name).url
        connect = make.from_url if isinstance(make, type) else make
        return connect(url, **{key: value for key, value in options.items() if key not in _ADDRESS})

    return made
