"""Which page answers which address? Three views: the list of runs, a run's report, and its model to try.

A view asks the store or the network, hands the result to a template of the report's, and returns HTML.
"""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import get_token

from tuner.records import Run
from tuner.report import template
from tuner.report.page import render
from tuner.store import read_artifact, read_run
from tuner.web import network
from tuner.web.runs import find_run, known_runs
from tuner.web.site import MOST_UPLOAD, Site


def runs(request: HttpRequest) -> HttpResponse:
    """`/`: all runs, the newest first."""
    return HttpResponse(template.write("runs", {"runs": known_runs(_site().place), "place": str(_site().place)}))


def report(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """`/runs/NAME/NUMBER/`: the report from the records as they are now, of a run under way too."""
    run = _run(name, number)
    return HttpResponse(render(run, lambda artifact: read_artifact(Path(run.folder), artifact)))


def attempt(request: HttpRequest, name: str, number: int) -> HttpResponse:
    """`/runs/NAME/NUMBER/try`: a form for one image, and what the run's model says to it."""
    run = _run(name, number)
    values: dict[str, Any] = {"run": run, "seen": None, "problem": "", "csrf": get_token(request)}
    status = 200
    if request.method == "POST":
        sent = request.FILES.get("image")
        if sent is None:
            values["problem"], status = "Choose an image first.", 400
        elif sent.size > MOST_UPLOAD:
            values["problem"], status = f"An image of at most {MOST_UPLOAD >> 20} MB, please.", 413
        else:
            try:
                values["seen"] = network.look(run, sent.read())
            except network.BadImage as error:
                values["problem"], status = f"That file is no image that can be read: {error}.", 400
            except network.NoModel as error:
                values["problem"], status = str(error), 404
    return HttpResponse(template.write("attempt", values), status=status)


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Every address that leads nowhere."""
    said = str(exception.args[0]) if isinstance(exception, Http404) and isinstance(exception.args[0], str) else ""
    return HttpResponse(f"{said or 'There is nothing here.'} All runs: /\n", status=404, content_type="text/plain")


def _site() -> Site:
    site: Site = settings.TUNER_SITE
    return site


def _run(name: str, number: int) -> Run:
    """The run that a URL names. Raises `Http404` with what to do."""
    found = find_run(_site().place, name, number)
    if found is None:
        raise Http404(f"There is no run {name}/{number} here.")
    return read_run(Path(found.folder))
