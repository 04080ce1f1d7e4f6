"""Logins of databases: a secret's ARN in, user and password out. Refuses a secret that holds something else."""

from __future__ import annotations

from klotho.runtime.errors import ConfigError


class Login:
    """Base of datastores that one logs in to: `user` and `password` are fetched when they are not in memory.

    The password is fetched again every five minutes (see `secrets.py`), so ask for it, or for `url`, at each new
    connection rather than once at start: that is what makes rotation work.
    """

    __slots__ = ("_secret", "name")

    def __init__(self, name: str, secret: str) -> None:
        self.name = name
        self._secret = secret

    @property
    def user(self) -> str:
        return self._login()[0]

    @property
    def password(self) -> str:
        return self._login()[1]

    def refresh(self) -> None:
        """Forget the password, for instance after the database refused it; the next use fetches it again."""
        from klotho.runtime.secrets import cache

        cache.forget(self._secret)

    def _login(self) -> tuple[str, str]:
        import json

        from klotho.runtime.secrets import cache

        try:
            login = json.loads(cache.get(self._secret))
        except ValueError:
            login = None
        if isinstance(login, dict) and all(isinstance(login.get(key), str) for key in ("username", "password")):
            return login["username"], login["password"]
        # Not raised inside the handler: the JSON error carries the secret's text.
        raise ConfigError(
            f"the secret of datastore {self.name!r} ({self._secret}) is not JSON with a username and a password"
        )

    def _address(self, scheme: str, host: str, port: int, path: str) -> str:
        """A URL with user and password, percent-encoded."""
        from urllib.parse import quote

        user, password = self._login()
        place = f"[{host}]" if ":" in host else host
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{place}:{port}/{quote(path, safe='')}"
