"""One module a command, each with a `run` function that takes the parsed options."""
