from .models import Pet

# @klotho::persist {
#   id = "pets"
# }
pets: dict[str, Pet] = {"Rex": Pet(name="Rex", kind="dog")}
