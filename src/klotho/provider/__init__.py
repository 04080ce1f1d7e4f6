"""The function that makes login roles in SQL databases, for `Custom::SqlRole`.

Its code runs in Lambda, owned by the database's stack, and is shipped with the runtime SDK, pg8000 and PyMySQL (pure
Python, so that packaging needs no network). It knows nothing else of Klotho.
"""
