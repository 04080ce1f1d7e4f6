from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=200, unique=True)
    pages = models.PositiveIntegerField(default=0)
    slug = models.SlugField(blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ("title",)
