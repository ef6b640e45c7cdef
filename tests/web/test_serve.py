"""`tuner serve`: a real server, real requests, and a real model behind them."""

import http.client
import io
import json
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tuner import recipe as recipes
from tuner.interrupts import StopFlag
from tuner.progress import Silent
from tuner.records import Finding, to_json
from tuner.store import Store
from tuner.web.site import MOST_UPLOAD, is_loopback

RECIPE = "version: 1\nname: shades\ndata: {source: digits, image_size: [32, 32]}\nmodel: {backbone: LeNet5}\n"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One finished run, whose model says how bright an image is."""
    folder = tmp_path_factory.mktemp("served")
    file = folder / "recipe.yaml"
    file.write_text(RECIPE)
    recipe = recipes.load(file)
    run = Store.create(folder / "reports", recipe.name, recipe.to_json(), recipe.text, {}, Silent(), StopFlag())
    names = {"class_names": ["dark", "bright & <b>shiny</b>"]}
    run.record_finding(Finding("data", 0, "all", "Is this data?", to_json(names), ()))
    inputs = keras.Input((32, 32, 3))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(inputs))
    scores = keras.layers.Dense(2, activation="softmax", name="scores")(mean)
    model = keras.Model(inputs, scores)
    model.get_layer("scores").set_weights([np.array([[-9.0, 9.0]] * 3), np.array([13.0, -13.0])])
    model.save(run.folder / "best.keras")
    run.finish("finished", {"outcome": "no_target", "title": "Seen", "val_accuracy": 0.9, "next_actions": []})
    run.close()
    return folder / "reports"


def started(reports: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """A server of its own process, and its address."""
    command = [sys.executable, "-m", "tuner", "serve", str(reports), "--json", *options]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["address"]


@pytest.fixture(scope="module")
def address(reports: Path) -> Iterator[str]:
    process, found = started(reports)
    yield found
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def ask(address: str, path: str, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""):
    """Status, headers and text of one request, written as given."""
    host = address.removeprefix("http://").split("/")[0]
    connection = http.client.HTTPConnection(host, timeout=60)
    with closing(connection):
        connection.request(method, path, body or None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()


def image(value: int) -> bytes:
    """A PNG of one grey."""
    file = io.BytesIO()
    Image.fromarray(np.full((40, 50, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def tried(address: str, sent: bytes, with_token: bool = True) -> tuple[int, str]:
    """What the page says after a form with this file was sent."""
    _, headers, page = ask(address, "/runs/shades/1/try")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert token is not None
    mark = uuid.uuid4().hex
    fields = f'--{mark}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n{token[1]}\r\n'
    file = f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    body = (fields * with_token + file).encode() + sent + f"\r\n--{mark}--\r\n".encode()
    given = {"Content-Type": f"multipart/form-data; boundary={mark}", "Cookie": headers["Set-Cookie"].split(";")[0]}
    status, _, text = ask(address, "/runs/shades/1/try", "POST", given, body)
    return status, text


def test_the_list_leads_to_the_report_and_to_the_model(address: str) -> None:
    status, headers, page = ask(address, "/")
    assert status == 200
    assert 'href="/runs/shades/1/"' in page
    assert "0.900" in page
    assert headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in page
    status, _, report = ask(address, "/runs/shades/1/")
    assert status == 200
    assert "<title>" in report


def test_the_network_answers_with_its_classes(address: str) -> None:
    status, page = tried(address, image(250))
    assert status == 200
    assert page.index("bright &amp; &lt;b&gt;shiny") < page.index('row">dark<')
    assert re.search(r'src="data:image/jpeg;base64,[\w+/=]{200,}"', page)
    assert ">dark, " in tried(address, image(10))[1]


def test_what_is_no_image_is_told_and_nothing_is_kept(address: str, reports: Path) -> None:
    before = sorted(path for path in reports.rglob("*"))
    assert tried(address, b"<html>not an image")[0] == 400
    assert "an HTML page, not an image" in tried(address, b"<html>not an image")[1]
    assert sorted(path for path in reports.rglob("*")) == before


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "FOO"])
def test_no_other_method_is_answered(address: str, method: str) -> None:
    assert ask(address, "/", method)[0] == 405


def test_other_sites_and_forms_without_a_token_are_refused(address: str) -> None:
    for host in ("evil", "127.0.0.1.evil", "127.0.0.1@evil", ""):
        assert ask(address, "/", headers={"Host": host})[0] == 400
    assert tried(address, image(9), with_token=False)[0] == 403
    assert ask(address, "/runs/shades/1/try", "POST", body=bytes(MOST_UPLOAD * 2))[0] == 413


@pytest.mark.parametrize("path", ["/runs/../1/", "/runs/%2e%2e/1/", "/runs/shades/2/", "/etc/passwd", "//etc/passwd"])
def test_an_address_that_leads_nowhere_says_so(address: str, path: str) -> None:
    status, _, text = ask(address, path)
    assert status == 404
    assert "All runs: /" in text


def test_a_token_opens_the_page_for_one_browser(reports: Path) -> None:
    process, address = started(reports, "--token")
    try:
        token = address.split("?")[1]
        assert ask(address, "/")[0] == 403
        assert ask(address, "/?token=wrong")[0] == 403
        status, headers, _ = ask(address, f"/?{token}")
        assert (status, headers["Location"]) == (302, "/")
        assert ask(address, "/", headers={"Cookie": headers["Set-Cookie"].split(";")[0]})[0] == 200
    finally:
        process.send_signal(2)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Nothing was changed" in said


def test_only_this_machine_needs_no_token() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.1.2.3")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "example.org")))
