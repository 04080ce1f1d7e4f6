class AlreadyAdopted(Exception):
    def __init__(self, pet: str) -> None:
        super().__init__(f"{pet} has a home already")
        self.pet = pet
