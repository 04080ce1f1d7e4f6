"""What `infra.py` imports: constructs, verbs, requirements and directives, recorded into an Application.

Input: the calls of the user's program; output: an `Application` and a `Report`. Nothing here raises at the user's:
every mistake becomes a diagnostic at the user's line and the program goes on, so that all of them come at once.
See docs/sdk.md; `program.run` executes a program.
"""
