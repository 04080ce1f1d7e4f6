import json

from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import aget_object_or_404, get_object_or_404

from . import reviews
from .models import Book


def shown(book: Book) -> dict[str, object]:
    return {"id": book.pk, "title": book.title, "pages": book.pages, "slug": book.slug, "details": book.details}


def books(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        found = Book.objects.filter(title__icontains=request.GET.get("q", ""))
        return JsonResponse({"books": [shown(book) for book in found], **found.aggregate(all_pages=Sum("pages"))})
    given = json.loads(request.body)
    try:
        with transaction.atomic():
            book = Book.objects.create(**given)
    except IntegrityError:
        return JsonResponse({"error": "there is such a book"}, status=409)
    return JsonResponse(shown(book), status=201)


def book(request: HttpRequest, number: int) -> HttpResponse:
    found = get_object_or_404(Book, pk=number)
    if request.method == "DELETE":
        found.delete()
        return HttpResponse(status=204)
    return JsonResponse(shown(found))


async def review(request: HttpRequest, slug: str) -> HttpResponse:
    found = await aget_object_or_404(Book, slug=slug)
    return JsonResponse({"review": await reviews.review(found.title, found.pages)})
