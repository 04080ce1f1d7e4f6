"""An engine of SQLAlchemy on the unit's database when it is deployed, and the engine it was when it is not."""

import os

_OF_SQLITE = ("poolclass", "connect_args", "native_datetime")


def engine_of(name, create):
    if not os.environ.get("KLOTHO_UNIT"):
        return create

    def made(url, **options):
        from sqlalchemy import event
        from sqlalchemy.engine import make_url

        import klotho

        database = klotho.config.datastores.get(name)
        if make_url(url).get_backend_name() != "postgresql":
            options = {key: value for key, value in options.items() if key not in _OF_SQLITE}
        # Connections do not outlive a long sleep of the function: each is tried before it is used.
        address = make_url(database.url).set(drivername="postgresql+psycopg")
        engine = create(address, **{"pool_pre_ping": True, **options})

        @event.listens_for(getattr(engine, "sync_engine", engine), "do_connect")
        def with_the_login_of_now(dialect, record, args, parameters):
            parameters.update(user=database.user, password=database.password)

        return engine

    return made
