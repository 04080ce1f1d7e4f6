"""Names for those who have none yet."""

NAMES = {"dog": ("Rex", "Bello"), "cat": ("Tom", "Minka")}


async def suggest(kind: str, number: int = 1) -> tuple[str, ...]:
    try:
        return NAMES[kind][:number]
    except KeyError:
        raise LookupError(f"no names for a {kind}") from None
