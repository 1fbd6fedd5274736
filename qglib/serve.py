"""A tagger behind HTTP: ``python -m qglib serve FOLDER``.

``POST /tag`` finds names, ``POST /explain`` gives the decision path D of one word,
``GET /health`` and ``GET /metrics`` (Prometheus) watch. Requests that arrive while the
model works wait and go through it together. Every answer but those of ``/health`` wants
the token as ``Authorization: Bearer``.
"""

import asyncio
import base64
import io
import math
import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

import matplotlib.pyplot as plt
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel, Field

from qglib import explain
from qglib.models import decode_all, load_tagger, word_logits
from qglib.models.tokenizer import word_spans
from qglib.predict import tagging

MOST_TEXTS = 64  # of one request
TOGETHER = 32  # requests of one pass through the model
MOST_SIGNS = 10_000  # characters of one text
MOST_BYTES = 2 * 2**20  # of a body

Text = Annotated[str, Field(min_length=1, max_length=MOST_SIGNS)]
Word = Annotated[str, Field(pattern=r"\S", max_length=200)]
Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))
]
Words = Annotated[list[Word], Field(min_length=1, max_length=256)]


class TagRequest(BaseModel, extra="forbid"):
    """Texts to tag."""

    texts: Annotated[list[Text], Field(min_length=1, max_length=MOST_TEXTS)]


class Entity(BaseModel):
    """One name: type, probability, place in characters; first word, word after it."""

    entity_group: str
    score: float
    word: str
    start: int
    end: int
    words: Annotated[list[int], Field(min_length=2, max_length=2)]


class TagAnswer(BaseModel):
    """Entities of each text, in its order."""

    entities: list[list[Entity]]


class ExplainRequest(BaseModel, extra="forbid"):
    """A sentence, as text or as words, and which word is to be explained."""

    sentence: Text | Words
    word: Annotated[int, Field(ge=0)]
    label: Annotated[str | None, Field(max_length=100)] = None  # None: the decision
    picture: bool = False


class Path(BaseModel):
    """Position by layer, and the probability of the way."""

    positions: list[int]
    score: float


class ExplainAnswer(Path):
    """The decision path D, from the input to the layer that the head reads."""

    words: list[str]
    label: str
    tokens: list[str]
    margin: float | None  # nats to the next path; None: there is only one
    alternatives: list[Path]
    picture: str | None  # PNG, base64


class Batches:
    """One thread runs the model; what waits meanwhile goes through it together."""

    def __init__(self, tag: Callable[[Sequence[str]], list], sizes: Histogram) -> None:
        """``tag`` works on many texts at once."""
        self.tag, self.sizes = tag, sizes
        self.waiting: asyncio.Queue[tuple[list[str], asyncio.Future]] = asyncio.Queue()
        self.thread = ThreadPoolExecutor(1, "model")

    async def ask(self, texts: list[str]) -> list:
        """The tags of the texts, once their turn has come."""
        answer: asyncio.Future = asyncio.get_running_loop().create_future()
        await self.waiting.put((texts, answer))
        return await answer

    async def call(self, function: Callable[..., Any], *given: Any) -> Any:
        """Another use of the model, in its thread."""
        return await asyncio.wrap_future(self.thread.submit(function, *given))

    async def work(self) -> None:
        """Take the requests that wait, up to `TOGETHER` at a time, for ever."""
        while True:
            jobs = [await self.waiting.get()]
            while len(jobs) < TOGETHER and not self.waiting.empty():
                jobs.append(self.waiting.get_nowait())
            await self.answer(jobs)

    async def answer(self, jobs: list[tuple[list[str], asyncio.Future]]) -> None:
        """Answer jobs in one pass; one that fails is tried alone, the rest go on."""
        texts = [text for given, _ in jobs for text in given]
        try:
            found = iter(await self.call(self.tag, texts))
        except Exception as error:
            for job in jobs if len(jobs) > 1 else ():
                await self.answer([job])
            if len(jobs) == 1 and not jobs[0][1].cancelled():
                jobs[0][1].set_exception(error)
            return
        self.sizes.observe(len(texts))
        for given, answer in jobs:
            rows = [next(found) for _ in given]
            if not answer.cancelled():
                answer.set_result(rows)


def explained(model: Any, tokenizer: Any, asked: ExplainRequest) -> ExplainAnswer:
    """The decision path of one word; ValueError or IndexError name what is wrong."""
    words, label, picture = asked.sentence, asked.label, None
    if isinstance(words, str):
        words = [words[a:b] for a, b in word_spans(words)]
    if asked.word >= len(words):
        raise IndexError(f"word {asked.word} of {len(words)}: count from 0")
    if label is None:
        logits = word_logits(model, tokenizer, [words])
        label = decode_all(logits, model.config.labels)[0][asked.word]
    target = (asked.word, label)
    graph = explain.decision_graphs(model, tokenizer, [(words, None)], [target])[0]
    path = explain.decision_path(graph)
    if asked.picture:
        figure, file = explain.draw_decision_graph(graph, path), io.BytesIO()
        figure.savefig(file, format="png", dpi=100, bbox_inches="tight")
        plt.close(figure)
        picture = base64.b64encode(file.getvalue()).decode()
    return ExplainAnswer(
        words=words,
        label=label,
        positions=list(path.positions),
        tokens=list(path.tokens),
        score=path.score,
        margin=path.margin if math.isfinite(path.margin) else None,
        alternatives=[Path(positions=[*p], score=s) for p, s in path.alternatives],
        picture=picture,
    )


def create_app(
    tag: Callable[[Sequence[str]], list], model: Any, tokenizer: Any, token: str
) -> FastAPI:
    """The application: ``tag`` maps texts to lists of entities (`Entity`'s fields)."""
    registry = CollectorRegistry()
    own = dict[str, Any](registry=registry)
    requests = Counter("qglib_requests", "Answers", ["path", "status"], **own)
    seconds = Histogram("qglib_seconds", "Time to answer", ["path"], **own)
    powers = [2**n for n in range(7)]
    sizes = Histogram("qglib_batch", "Texts in one pass", buckets=powers, **own)
    batches = Batches(tag, sizes)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        worker = asyncio.create_task(batches.work())
        yield  # the server has answered every open request before it goes on here
        worker.cancel()
        batches.thread.shutdown()

    def allowed(given: Bearer) -> None:
        said = given.credentials if given else ""
        if not secrets.compare_digest(said.encode(), token.encode()):
            wanted = {"WWW-Authenticate": "Bearer"}
            raise HTTPException(
                401, "send the header Authorization: Bearer TOKEN", wanted
            )

    app = FastAPI(title="qglib", version="1", lifespan=life, docs_url=None)
    private = [Depends(allowed)]
    wrong: dict[int | str, dict[str, Any]] = {
        400: {"description": "What the model cannot read, with the reason"},
        401: {"description": "Token missing or wrong"},
        411: {"description": "No content-length"},
        413: {"description": "Body too large"},
    }

    def refusal(reason: object, status: int) -> JSONResponse:
        return JSONResponse({"detail": str(reason)}, status)

    @app.middleware("http")
    async def count(request: Request, go: Any) -> Response:
        began = time.perf_counter()
        size = request.headers.get("content-length")
        if request.method == "POST" and size is None:
            answer: Response = refusal("say the content-length", 411)
        elif int(size or 0) > MOST_BYTES:
            answer = refusal(f"above {MOST_BYTES} bytes: send less", 413)
        else:
            answer = await go(request)
        path = getattr(request.scope.get("route"), "path", "other")
        requests.labels(path, answer.status_code).inc()
        seconds.labels(path).observe(time.perf_counter() - began)
        return answer

    @app.exception_handler(ValueError)
    @app.exception_handler(IndexError)
    async def refuse(_: Request, error: Exception) -> Response:
        return refusal(error, 400)

    @app.post("/tag", dependencies=private, responses=wrong)
    async def names(asked: TagRequest) -> TagAnswer:
        return TagAnswer(entities=await batches.ask(asked.texts))

    @app.post("/explain", dependencies=private, responses=wrong)
    async def reasons(asked: ExplainRequest) -> ExplainAnswer:
        return await batches.call(explained, model, tokenizer, asked)

    @app.get("/health")
    async def health() -> dict[str, Any]:
        return {"status": "ok", "labels": list(model.config.labels)}

    bare = dict[str, Any](responses={401: wrong[401]}, response_class=PlainTextResponse)

    @app.get("/metrics", dependencies=private, **bare)
    async def metrics() -> str:
        return generate_latest(registry).decode()

    return app


def run(folder: str, host: str, port: int, token: str) -> int:
    """Serve the tagger of a folder until a signal; open requests are answered first."""
    import uvicorn

    model, tokenizer = load_tagger(folder)
    app = create_app(tagging(model, tokenizer), model, tokenizer, token)
    uvicorn.run(app, host=host, port=port, log_level="warning")
    return 0
