from django.urls import path

from . import views

urlpatterns = [
    path("", views.books),
    path("<int:number>", views.book),
    path("<slug:slug>/review", views.review),
]
