"""The WSGI entry: gunicorn -c config/gunicorn.py config.wsgi."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# The web server's statements have a time limit; those of commands and workers have none.
os.environ["FOOTPRINT_PROCESS"] = "web"

application = get_wsgi_application()
