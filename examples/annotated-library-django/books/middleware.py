import redis
from django.conf import settings


class CountedMiddleware:
    """Counts the requests of each path."""

    def __init__(self, get_response):
        self.get_response = get_response
        self.visits = redis.Redis.from_url(settings.VISITS_URL)

    def __call__(self, request):
        response = self.get_response(request)
        response["ETag"] = f'"{self.visits.incr(f"library:{request.path}")}"'
        return response
