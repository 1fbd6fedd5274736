"""The server: right answers, batches, refusals, limits, a graceful end."""

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import schemathesis
import uvicorn
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings

from qglib import serve
from qglib.models import load_tagger
from qglib.record import ROOT

HEAD = ROOT / "data/reference/02_model_training/model"
TOKEN = {"Authorization": "Bearer s3cret"}


@pytest.fixture(scope="module")
def tagger():
    return load_tagger(HEAD)


@pytest.fixture(scope="module")
def tag(tagger):
    return serve.tagging(*tagger)


@pytest.fixture(scope="module")
def client(tagger, tag):
    with TestClient(serve.create_app(tag, *tagger, "s3cret")) as made:
        made.headers.update(TOKEN)
        yield made


def test_names_with_their_places(client, tag):
    text = "Jordan flew home to Amman."
    found = client.post("/tag", json={"texts": [text, "rain"]}).json()["entities"]
    assert len(found) == 2
    assert found[0], "the reference tagger finds a name here"
    assert found == [
        [{k: pytest.approx(v) for k, v in e.items()} for e in row]
        for row in tag([text, "rain"])
    ]
    for e in found[0]:
        assert text[e["start"] : e["end"]] == e["word"] and 0 < e["score"] <= 1


def test_the_decision_path_and_its_picture(client):
    words = "Jordan flew home to Amman .".split()
    body = {"sentence": words, "word": 4, "picture": True}
    found = client.post("/explain", json=body).json()
    assert len(found["positions"]) == len(found["tokens"]) and 0 < found["score"] <= 1
    assert base64.b64decode(found["picture"]).startswith(b"\x89PNG")
    as_text = client.post("/explain", json=body | {"sentence": " ".join(words)}).json()
    assert as_text["words"] == words and as_text["score"] == found["score"]
    assert found["alternatives"][0]["score"] <= found["score"]


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/tag", {"texts": []}, 422, "at least 1"),
        ("/tag", {"texts": [""]}, 422, "at least 1"),
        ("/tag", {"text": ["a"]}, 422, "texts"),
        ("/tag", {"texts": ["a" * 10_001]}, 422, "10000"),
        ("/tag", {"texts": ["a"] * 65}, 422, "64"),
        ("/explain", {"sentence": ["Rome"], "word": 1}, 400, "count from 0"),
        (
            "/explain",
            {"sentence": ["Rome"], "word": 0, "label": "X"},
            400,
            "'X' is not",
        ),
        ("/explain", {"sentence": [" "], "word": 0}, 422, "pattern"),
        ("/tag", {"texts": ["a" * 9_000] * 40 * 8}, 413, "send less"),
    ],
)
def test_bad_bodies_are_refused_with_the_reason(client, path, body, status, says):
    answer = client.post(path, json=body)
    assert answer.status_code == status and says in answer.text


def test_no_answer_without_the_token(client):
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer s3cre"}):
        answer = client.post("/tag", json={"texts": ["a"]}, headers=headers)
        assert answer.status_code == 401 and "Bearer" in answer.text
        assert client.get("/metrics", headers=headers).status_code == 401
        assert client.get("/health", headers=headers).json()["status"] == "ok"


def test_metrics_count_answers(client):
    client.get("/nowhere")
    text = client.get("/metrics").text
    assert 'qglib_requests_total{path="other",status="404"}' in text
    assert "qglib_batch_sum" in text


def test_what_waits_goes_together_and_one_bad_text_harms_no_other(tagger):
    sizes, gate = [], threading.Event()

    def slow(texts):
        gate.wait(5)
        sizes.append(len(texts))
        if "bad" in texts:
            raise ValueError("bad text")
        return [[] for _ in texts]

    async def main():
        batches = serve.Batches(slow, serve.Histogram("x", "x", registry=None))
        worker = asyncio.create_task(batches.work())
        texts = ["first", *["good"] * 70, "bad"]
        jobs = []
        for text in texts:
            jobs.append(asyncio.create_task(batches.ask([text])))
            await asyncio.sleep(0.001)  # the first is on its way, the others wait
        gate.set()
        found = await asyncio.gather(*jobs, return_exceptions=True)
        worker.cancel()
        return found

    found = asyncio.run(main())
    assert found[:-1] == [[[]]] * 71 and isinstance(found[-1], ValueError)
    assert sizes[:2] == [1, serve.TOGETHER]


@pytest.fixture
def url(tagger, tag):
    port = free_port()
    app = serve.create_app(tag, *tagger, "s3cret")
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def until(true):
    for _ in range(1200):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("waited two minutes")


def test_openapi_holds_under_random_requests(url):
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    accepted = schemathesis.checks.CHECKS.get_one("positive_data_acceptance")
    asked = {}
    for found in schema.get_all_operations():

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None,
            suppress_health_check=list(HealthCheck), phases=[Phase.generate],
        )  # fmt: skip
        @given(case=found.ok().as_strategy())
        def holds(case):
            # a word beyond the sentence, an unknown label: no schema says that
            case.call_and_validate(headers=TOKEN, excluded_checks=[accepted])
            asked[case.path] = asked.get(case.path, 0) + 1

        holds()
    assert set(asked) == {"/tag", "/explain", "/health", "/metrics"}
    assert asked["/tag"] > 5 and asked["/explain"] > 5


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers_at(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def start(*more, **env):
    return subprocess.Popen(
        [sys.executable, "-m", "qglib", "serve", str(HEAD), *more],
        cwd=ROOT, env=os.environ | env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_a_stop_loses_no_request():
    port = free_port()
    server = start("--port", str(port), QGLIB_TOKEN="s3cret")
    url, answers = f"http://127.0.0.1:{port}", []
    try:
        until(lambda: answers_at(port))

        def ask():
            body = {"texts": ["Ada Lovelace met Charles Babbage in London."] * 16}
            answer = httpx.post(f"{url}/tag", json=body, headers=TOKEN, timeout=120)
            answers.append(answer.status_code)

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        metrics = f"{url}/metrics"
        while "qglib_batch_count" not in httpx.get(metrics, headers=TOKEN).text:
            time.sleep(0.05)
        time.sleep(0.3)  # every request is sent by now
        server.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert answers == [200] * 12
        assert server.wait(60) in (0, -signal.SIGTERM)
    finally:
        server.kill()


def test_another_address_wants_a_token_of_your_own():
    server = start("--host", "0.0.0.0", QGLIB_TOKEN="")
    text, _ = server.communicate(timeout=120)
    assert server.returncode == 2 and "QGLIB_TOKEN" in text
