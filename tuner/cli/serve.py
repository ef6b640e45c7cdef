"""`tuner serve`: runs in the browser, their reports as they are now, and a model to try on an image."""

import importlib.util
import secrets
import webbrowser
from pathlib import Path

import click

from tuner.cli.options import WRONG_USE, Settings, common_options, emit_json, fail
from tuner.interrupts import Interrupted, StopFlag
from tuner.web.site import LOOPBACK, PORT, Site, is_loopback


@click.command()
@click.argument("place", metavar="[DIR|RUN]", type=click.Path(path_type=Path), default="reports")
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on; any other needs --token.")
@click.option("--port", type=click.IntRange(1, 65000), default=PORT, show_default=True, help="Or the next free one.")
@click.option("--token", is_flag=True, help="Ask visitors for a token; it stands in the address that is printed.")
@click.option("--open", "wants_browser", is_flag=True, help="Open the page in the browser.")
@common_options
def serve(settings: Settings, place: Path, host: str, port: int, token: bool, wants_browser: bool) -> None:
    """Show the runs under DIR (./reports), or one RUN, in the browser, until Ctrl-C. Changes nothing.

    Each run has its report, as of now, and a form that shows an image of yours to its model.
    """
    if not place.is_dir():
        fail(f"{place} is no folder. Begin with: tuner run recipe.yaml", WRONG_USE)
    if not is_loopback(host) and not token:
        fail(f"on {host} others could look: add --token, or leave --host out.", WRONG_USE)
    if importlib.util.find_spec("django") is None:
        fail("tuner serve needs Django: pip install 'seven-step-tuner[serve]'", WRONG_USE)
    from tuner.web import app

    site = Site(place.absolute(), host, secrets.token_urlsafe(16) if token else "")
    app.configure(site)
    stop = StopFlag()
    try:
        server = app.server(site, port, stop)
    except OSError as error:
        fail(f"cannot listen on {host}, ports from {port} on: {error.strerror or error}")
    stop.install()
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{server.server_port}/" + (f"?token={site.token}" if site.token else "")
    if settings.json:
        emit_json("tuner.serve/1", {"address": address, "place": str(site.place)})
    else:
        click.echo(f"Runs of {site.place} at {address}  (Ctrl-C ends it)")
    if wants_browser:
        webbrowser.open(address)
    try:
        server.serve_forever()
    except Interrupted:
        click.echo("Ended. Nothing was changed.", err=True)
    finally:
        server.server_close()
