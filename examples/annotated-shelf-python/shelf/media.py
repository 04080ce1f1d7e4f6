from pathlib import Path

# @klotho::persist {
#   id = "media"
# }
MEDIA = Path(__file__).parent / "media"
