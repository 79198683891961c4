"""The OpenAPI file has every route and no other, says how each answers, and no request that it allows makes a server error."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
import yaml
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.core.result import Ok
from starlette.routing import Route

from bodycamd.municipality.station.app import application
from tests.evidence.ordering import HOLD, ordered
from tests.evidence.rostering import key
from tests.kit.scale import count, only_in_full, sample
from tests.municipality.station.at_station import Scene, private
from tests.municipality.station.sending import CameraLink

FILE = Path(__file__).parents[3] / "docs" / "station.openapi.yaml"
API: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(API).get_all_operations() if isinstance(found, Ok)]
OF_OPERATORS = {path for path, item in API["paths"].items() if "servers" in item}
METHODS = {"get", "head", "patch", "post", "put", "delete", "options"}


def stated() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in API["paths"].items() for method in item if method in METHODS}


def served(routes: list[Route]) -> set[tuple[str, str]]:
    return {(method, route.path) for route in routes for method in route.methods or ()}


@only_in_full
def test_it_has_every_route_and_no_other(scene: Scene) -> None:
    applications = (application(scene.station.routes), scene.station.operating.application())
    routes = [route for one in applications for route in one.routes if isinstance(route, Route)]
    assert served(routes) == stated()
    assert stated() - served(routes[:-1]) != set()


def test_it_is_openapi() -> None:
    schemathesis.openapi.from_dict(API).validate()


@pytest.mark.parametrize("place", sample(sorted(stated()), 4))
def test_each_answers_as_it_says(place: tuple[str, str], scene: Scene) -> None:
    """Unsigned, signed by another key, and signed by who it is for."""
    method, path = place
    words = {"device": "HV-01", "start": "1", "recording": "000001-0001", "file": "000000.tar", "call": "ab" * 32, "bundle": "ab" * 32}
    url = re.sub(r"{(\w+)}", lambda match: words[match[1]], path)
    if path in OF_OPERATORS:
        assert scene.station.operator.request(method, url).status_code == 200
        return
    statuses = {scene.station.client.request(method, url).status_code}
    content = None if method in ("GET", "HEAD") or path.endswith("receipts") else ordered(HOLD).document.file_bytes
    for link in (scene.link, scene.desk, replace(scene.desk, key=private(key("nobody")))):
        headers = {} if content is None else {"upload-offset": "0", "upload-complete": "?1"}
        statuses.add(link.ask_at(method, url, content, **headers).status_code)
    assert {str(status) for status in statuses} <= set(API["paths"][path][method.lower()]["responses"])
    assert all(status < 500 for status in statuses)


@pytest.mark.timeout(600)
@only_in_full
@settings(max_examples=count(600), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_a_server_error(scene: Scene, data: st.DataObject) -> None:
    """Signed by the camera or a person, well formed or not; of 405 nothing is said, which is no route."""
    operation = data.draw(st.sampled_from(OPERATIONS))
    mode = data.draw(st.sampled_from([schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]))
    case = data.draw(operation.as_strategy(generation_mode=mode))
    if "device" in case.path_parameters and data.draw(st.booleans()):
        case.path_parameters["device"] = "HV-01"
    if "wait" in (case.query or {}):
        case.query["wait"] = "0"
    words = case.as_transport_kwargs(base_url=str(scene.station.client.base_url))
    link: CameraLink = scene.desk if operation.path == "/v1/orders" else scene.link
    if operation.path in OF_OPERATORS:
        link = replace(link, client=scene.station.operator)
    answer = asked(link, words)
    assert answer is None or answer.status_code < 500, (answer.status_code, answer.text)
    if answer is not None and answer.status_code != 405:
        known = API["paths"][operation.path][operation.method.lower()]["responses"]
        assert str(answer.status_code) in known or is_elsewhere(case.path_parameters)


def is_elsewhere(parameters: dict[str, Any]) -> bool:
    """What stands for a part of the path may make it another path."""
    return any(character in str(value) for value in parameters.values() for character in "/?#%.")


def asked(link: CameraLink, words: dict[str, Any]) -> httpx.Response | None:
    """The request, signed; `None` for what no client can send."""
    headers = {name: str(value) for name, value in (words.get("headers") or {}).items()}
    content = words.get("data")
    if content is None and words.get("json") is not None:
        content = str(words["json"]).encode()
    if isinstance(content, str):
        content = content.encode()
    url = httpx.URL(words["url"], params=words.get("params") or {})
    place = url.raw_path.decode()
    with contextlib.suppress(httpx.InvalidURL, httpx.ProtocolError, UnicodeEncodeError, ValueError):
        try:
            return link.ask_at(words["method"], place, content or None, **headers)
        except HTTPMessageSignaturesException:  # a header that is to be signed is not there: nobody can sign this
            return link.client.request(words["method"], place, content=content or None, headers=headers)
    return None
