"""Django's page about an error, as DEBUG=1 shows it, without the secrets that settings and variables hold."""

from django.conf import settings
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter


class MaskedReporter(ExceptionReporter):
    def get_traceback_html(self) -> SafeString:
        return SafeString(settings.MASK(super().get_traceback_html()))

    def get_traceback_text(self) -> SafeString:
        return SafeString(settings.MASK(super().get_traceback_text()))
