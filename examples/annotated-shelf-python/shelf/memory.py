from aiocache import Cache

# @klotho::persist {
#   id = "answers"
# }
cache = Cache(Cache.MEMORY, namespace="shelf:")
