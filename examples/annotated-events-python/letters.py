# @klotho::persist {
#   id = "letters"
# }
letters: dict[str, str] = {}
