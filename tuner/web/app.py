"""How does a site become a server? Django's settings, set in code once a process, and its threaded WSGI server."""

import logging
import secrets
from typing import Any

import django
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from tuner.interrupts import StopFlag
from tuner.web.site import LOOPBACK, MOST_UPLOAD, Site

PORTS_TRIED = 20
PATIENCE = 30  # seconds without a word from a browser


class QuietHandler(WSGIRequestHandler):  # type: ignore[misc]
    """A handler that does not log every request to stderr, and does not wait for ever for one."""

    timeout = PATIENCE

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class StoppableServer(ThreadedWSGIServer):  # type: ignore[misc]
    """A server that looks twice a second whether it was asked to stop.

    The exception that Ctrl-C raises by default is lost if it comes while an object is being freed.
    """

    daemon_threads = True
    stop: StopFlag

    def service_actions(self) -> None:
        """Raise `Interrupted` if a signal came."""
        self.stop.check()


def configure(site: Site) -> None:
    """Tell Django all that it has to know; once a process. The key that signs forms lives as long as the process."""
    settings.configure(
        SECRET_KEY=secrets.token_urlsafe(32),
        ALLOWED_HOSTS=[site.host, LOOPBACK, "localhost", "[::1]"],
        ROOT_URLCONF="tuner.web.urls",
        MIDDLEWARE=[
            "tuner.web.guard.guard",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
        ],
        FILE_UPLOAD_HANDLERS=["django.core.files.uploadhandler.MemoryFileUploadHandler"],
        FILE_UPLOAD_MAX_MEMORY_SIZE=MOST_UPLOAD + 1,
        CSRF_COOKIE_SAMESITE="Strict",
        CSRF_COOKIE_HTTPONLY=True,
        USE_I18N=False,
        USE_TZ=True,
        LOGGING_CONFIG=None,
        TUNER_SITE=site,
    )
    django.setup()
    logging.getLogger("django").setLevel(logging.ERROR)  # a visitor's mistake is told to the visitor
    logging.getLogger("django.security").setLevel(logging.CRITICAL)


def server(site: Site, port: int, stop: StopFlag) -> StoppableServer:
    """A server bound to `port`, or to the next free one, until `stop`. Raises `OSError` if none of `PORTS_TRIED` is."""
    for tried in range(port, port + PORTS_TRIED):
        try:
            made = StoppableServer((site.host, tried), QuietHandler, ipv6=":" in site.host)
        except OSError:
            if tried == port + PORTS_TRIED - 1:
                raise
            continue
        made.stop = stop
        made.set_app(get_wsgi_application())
        return made
    raise AssertionError("a port was tried")
