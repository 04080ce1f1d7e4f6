"""Who has adopted whom."""

# @klotho::execution_unit {
#   id = "adoptions"
# }
from datetime import datetime

from pets.errors import AlreadyAdopted
from pets.models import Pet

# @klotho::persist {
#   id = "adopted"
# }
adopted: dict[str, tuple[str, datetime]] = {}


async def adopt(pet: Pet, owner: str, *, at: datetime) -> Pet:
    if pet.name in adopted:
        raise AlreadyAdopted(pet.name)
    adopted[pet.name] = (owner, at)
    return pet.model_copy(update={"owner": owner})


async def adopted_since(since: datetime) -> set[str]:
    return {owner for owner, at in adopted.values() if at >= since}
