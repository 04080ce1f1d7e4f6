from django.db.models.signals import pre_save
from django.dispatch import receiver
from django.utils.text import slugify

from .models import Book


@receiver(pre_save, sender=Book)
def give_slug(sender: type[Book], instance: Book, **kwargs: object) -> None:
    instance.slug = slugify(instance.title)
