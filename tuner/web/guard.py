"""Who may look, and what may a page do? A token where others can reach it, and headers that fence a browser in."""

import hmac
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseNotAllowed, HttpResponseRedirect

from tuner.web.site import MOST_UPLOAD, Site

COOKIE = "tuner_token"
METHODS = ("GET", "HEAD")
FORM_METHODS = (*METHODS, "POST")
FORM_PAGE = "/try"  # the end of the only address that takes a form
FORM = 1 << 20  # bytes of a request beside the image
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Answer = Callable[[HttpRequest], HttpResponse]


def guard(answer: Answer) -> Answer:
    """The middleware around every view."""

    def guarded(request: HttpRequest) -> HttpResponse:
        response = _refused(request) or answer(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return guarded


def _refused(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that no view should see; None for all others."""
    allowed = FORM_METHODS if request.path.endswith(FORM_PAGE) else METHODS
    if request.method not in allowed:
        return HttpResponseNotAllowed(allowed)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_UPLOAD + FORM:
        return HttpResponse(
            f"An image of at most {MOST_UPLOAD >> 20} MB, please.", status=413, content_type="text/plain"
        )
    site: Site = settings.TUNER_SITE
    if not site.token or _same(request.COOKIES.get(COOKIE, ""), site.token):
        return None
    if request.method == "GET" and _same(request.GET.get("token", ""), site.token):
        welcome = HttpResponseRedirect(request.path)
        welcome.set_cookie(COOKIE, site.token, httponly=True, samesite="Strict")
        return welcome
    return HttpResponseForbidden(
        "This page asks for its token: open the address that tuner serve printed.\n", "text/plain"
    )


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
