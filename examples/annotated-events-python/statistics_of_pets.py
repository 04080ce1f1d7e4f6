from events import events

adoptions = 0


@events.on("adopted")
def count(pet: str, owner: str) -> None:
    global adoptions
    adoptions += 1
