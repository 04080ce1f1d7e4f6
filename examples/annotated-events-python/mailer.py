"""Writes letters, in an execution unit of its own."""

# @klotho::execution_unit {
#   id = "mailer"
# }
from events import events
from letters import letters


@events.on("adopted")
async def write(pet: str, owner: str) -> None:
    letters[pet] = f"Dear {owner}, {pet} is yours."
