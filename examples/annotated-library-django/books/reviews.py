"""Says what to think of a book, in an execution unit of its own."""

# @klotho::execution_unit {
#   id = "reviews"
# }


async def review(title: str, pages: int) -> str:
    return f"{title} is {'long' if pages > 300 else 'short'}."
