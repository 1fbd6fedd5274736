"""The server under load: many callers at once against one after the other."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import numpy as np
import uvicorn

from bench import Row, compare
from qglib.data import load_corpus
from qglib.models import build_tagger
from qglib.serve import create_app, tagging

CALLERS, TOKEN = 16, "bench"


def rows() -> Iterator[Row]:
    """128 requests of one newswire sentence each; latencies of the 16 callers."""
    corpus = load_corpus("newswire")
    model, tokenizer = build_tagger(types=corpus.types, head="linear")
    app = create_app(tagging(model, tokenizer), model, tokenizer, TOKEN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    texts = [" ".join(s.words) for s in corpus.train[:128]]
    took: list[float] = []
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
        limits=httpx.Limits(max_connections=CALLERS),
    ) as client:

        def ask(text: str) -> None:
            began = time.perf_counter()
            client.post("/tag", json={"texts": [text]}).raise_for_status()
            took.append(time.perf_counter() - began)

        def in_turn() -> None:
            for text in texts:
                ask(text)

        def at_once() -> None:
            took.clear()
            with ThreadPoolExecutor(CALLERS) as callers:
                list(callers.map(ask, texts))

        row = compare(
            f"requests one after the other / from {CALLERS} callers", in_turn, at_once,
            1.2, 2, rounds=3,
        )  # fmt: skip
        began = time.perf_counter()
        at_once()
        rate = len(texts) / (time.perf_counter() - began)
    server.should_exit = True
    thread.join()
    p50, p99 = np.percentile(took, [50, 99]) * 1e3
    note = f"{rate:.0f} requests a second, p50 {p50:.0f} ms, p99 {p99:.0f} ms"
    yield replace(row, note=f"{note}; {len(took)} of {len(texts)} answered")
