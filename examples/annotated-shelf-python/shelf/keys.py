from pathlib import Path

# @klotho::persist {
#   id = "signing-key"
#   secret = true
# }
SIGNING_KEY = Path("signing-key.txt")
