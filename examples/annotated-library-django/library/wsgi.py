import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library.settings")

# @klotho::expose {
#   id = "library-api"
# }
application = get_wsgi_application()
