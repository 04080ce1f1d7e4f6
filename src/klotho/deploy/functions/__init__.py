"""A function's zip: what its handler imports, its packages and the runtime SDK, as the same bytes each time."""
