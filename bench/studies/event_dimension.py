"""Intrinsic dimension of the contents of event streams, by their causal order.

Question: does the Myrheim-Meyer dimension of small causal intervals, less one, tell
the dimension of the contents better than TwoNN and maximum likelihood?

Protocol: streams of n events with uniform contents of dimension s = 1 to 5, on flat
tori (embedded in 2 s coordinates), in cubes and on spheres, times uniform and
independent of the contents. Timing noise moves every time by a normal step of 0, 2
or 10 % of the window. A drifting stream moves all contents along a circle of its own,
one turn per window, so that times say something about contents; its instantaneous
dimension is s and the dimension of all its contents s + 1, and the interval is 0.15
of the window long. Rivals see contents alone: TwoNN with a tenth discarded and
Levina-Bickel maximum likelihood with 20 neighbours, averaged as MacKay and Ghahramani
propose, all of scikit-dimension. Seeds differ from those on which the scan of speeds
was set. Real streams: tokens of the embedded newswire in the angle metric of the
encoder, of unknown dimension; and spectral peaks of spoken digits (Free Spoken Digit
Dataset, not shipped), whose contents (log-frequency) have dimension one. Root mean
square error over streams, 95 % bootstrap intervals over seeds, differences paired.
Runtime: about 4 minutes on one thread.
"""

from __future__ import annotations

import os

import numpy as np
import skdim
from tqdm import tqdm

from qglib.record import ROOT, versions, write_json
from qglib.spacetime import content_dimension

RESULT = ROOT / "data" / "reference" / "results" / "event_dimension.json"
SEED = 20_261_129
DIMENSIONS = (1, 2, 3, 4, 5)
NOISE = (0.0, 0.02, 0.1)
SIZES = (500, 2000)
SEEDS = 20
METHODS = ("causal set", "TwoNN", "maximum likelihood")
NEIGHBOURS = 20


def torus(rng: np.random.Generator, n: int, s: int) -> np.ndarray:
    """Uniform on the flat torus of dimension s, in 2 s coordinates."""
    angle = rng.uniform(0, 2 * np.pi, (n, s))
    return np.hstack([np.cos(angle), np.sin(angle)])


def cube(rng: np.random.Generator, n: int, s: int) -> np.ndarray:
    """Uniform in the unit cube, which has walls."""
    return rng.random((n, s))


def sphere(rng: np.random.Generator, n: int, s: int) -> np.ndarray:
    """Uniform on the sphere of dimension s, in s + 1 coordinates."""
    point = rng.normal(size=(n, s + 1))
    return point / np.linalg.norm(point, axis=1, keepdims=True)


MANIFOLDS = {"torus": torus, "cube": cube, "sphere": sphere}


def drifting(
    rng: np.random.Generator, times: np.ndarray, s: int, radius: float = 0.3
) -> np.ndarray:
    """Contents on a torus, carried around a circle once per window."""
    turn = 2 * np.pi * times
    circle = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    return np.hstack([circle, torus(rng, len(times), s)])


def estimates(
    times: np.ndarray, contents: np.ndarray, rng: np.random.Generator, **options
) -> dict[str, float]:
    """All methods on one stream; NaN where no interval is large enough."""
    try:
        ours = content_dimension(times, contents, rng=rng, **options).dimension
    except ValueError:
        ours = np.nan
    # scikit-dimension wants two columns; a constant one changes no distance
    contents = np.column_stack([contents, np.zeros(len(contents))])
    return {
        "causal set": ours,
        "TwoNN": skdim.id.TwoNN().fit(contents).dimension_,
        "maximum likelihood": skdim.id.MLE(unbiased=True)
        .fit(contents, n_neighbors=NEIGHBOURS)
        .dimension_,
    }


def stream(kind: str, s: int, n: int, noise: float, seed: int) -> dict[str, float]:
    """Estimates on one stream of known dimension."""
    kinds = [*MANIFOLDS, "drifting"]
    rng = np.random.default_rng([SEED, kinds.index(kind), s, n, seed])
    times = rng.random(n)
    options = {}
    if kind == "drifting":
        contents, options = drifting(rng, times, s), {"duration": 0.15}
    else:
        contents = MANIFOLDS[kind](rng, n, s)
    noisy = times + noise * rng.normal(size=n)
    return estimates(noisy, contents, rng, **options)


def known(seeds: int = SEEDS) -> list[dict]:
    """Every stream of known dimension, one row per kind, size, s and noise."""
    cells = [
        (kind, n, s, noise)
        for kind in (*MANIFOLDS, "drifting")
        for n in SIZES
        for s in DIMENSIONS
        for noise in NOISE
    ]
    rows = []
    for kind, n, s, noise in tqdm(cells, mininterval=10):
        found = [stream(kind, s, n, noise, seed) for seed in range(seeds)]
        row = {"kind": kind, "n": n, "dimension": s, "noise": noise}
        for method in METHODS:
            row[method] = [one[method] for one in found]
        rows.append(row)
    return rows


def errors(rows: list[dict], resamples: int = 2000) -> list[dict]:
    """Relative root mean square error by kind, size and noise, with intervals."""
    rng, table = np.random.default_rng([SEED, 1]), []
    for kind in (*MANIFOLDS, "drifting"):
        for n in SIZES:
            for noise in NOISE:
                cell = [
                    r
                    for r in rows
                    if (r["kind"], r["n"], r["noise"]) == (kind, n, noise)
                ]
                square = {
                    m: np.array(
                        [(np.array(r[m]) / r["dimension"] - 1) ** 2 for r in cell]
                    )
                    for m in METHODS
                }
                seeds = square[METHODS[0]].shape[1]
                picks = rng.integers(0, seeds, (resamples, seeds))
                spread = {
                    m: np.sqrt(np.nanmean(v[:, picks], axis=(0, 2)))
                    for m, v in square.items()
                }
                row = {"kind": kind, "n": n, "noise": noise}
                row["no estimate"] = int(np.isnan(square[METHODS[0]]).sum())
                for m in METHODS:
                    row[m] = float(np.sqrt(np.nanmean(square[m])))
                for m in METHODS[1:]:
                    low, high = np.quantile(
                        spread["causal set"] - spread[m], [0.025, 0.975]
                    )
                    row[f"causal set minus {m}"] = [
                        row["causal set"] - row[m], float(low), float(high),
                    ]  # fmt: skip
                table.append(row)
    return table


def token_streams(size: int = 1500) -> list[dict]:
    """Content words of the embedded newswire as streams, third layer, angles.

    Rivals see unit vectors, whose neighbours are those of the angle.
    """
    from qglib.data import documents, load_corpus, token_events

    from .features import encoded

    items = documents(load_corpus("newswire"))
    vectors, _ = encoded([s for item in items for s in item.sentences])
    keep = np.concatenate([item.is_content() for item in items])
    events = token_events(np.concatenate(vectors), keep=keep)
    rows = []
    for start in range(0, len(events) - size + 1, size):
        part = slice(start, start + size)
        rng = np.random.default_rng([SEED, 2, start])
        found = estimates(
            events.times[part], events.contents[part], rng, metric="angle"
        )
        rows.append({"first event": start, "events": size} | found)
    return rows


def speech_streams(per_digit: int = 3) -> list[dict]:
    """Spectral peaks of spoken digits; contents are log-frequencies.

    Frequencies fall on the bins of the transform: TwoNN and maximum likelihood see
    them spread evenly over their bin, or equal contents would stop them.
    """
    from qglib.data import load_speech, spectral_events

    sounds = load_speech(os.environ["QGLIB_SHARED_DATA"] + "/fsdd", "test")
    rows = []
    for digit in range(10):
        spoken = [sound for sound in sounds if sound.label == str(digit)]
        for k, sound in enumerate(spoken[:per_digit]):
            rng = np.random.default_rng([SEED, 3, digit, k])
            events = spectral_events(sound)
            step = np.diff(np.unique(2 ** events.contents[:, 0])).min()
            hertz = 2**events.contents + step * rng.uniform(
                -0.5, 0.5, events.contents.shape
            )
            found = estimates(events.times, np.log2(hertz), rng)
            rows.append({"digit": digit, "events": len(events)} | found)
    return rows


def slice_of_study() -> dict[str, dict[str, float]]:
    """Three streams of the record, recomputed by a test."""
    return {
        "torus, s = 2": stream("torus", 2, 500, 0.0, 0),
        "sphere, s = 4, noise": stream("sphere", 4, 500, 0.1, 1),
        "drifting, s = 1": stream("drifting", 1, 2000, 0.02, 0),
    }


def rounded(value: object) -> object:
    """Six decimals; NaN becomes null."""
    if isinstance(value, dict):
        return {str(k): rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, bool | str | int):
        return value
    return None if np.isnan(value) else round(float(value), 6)


def main() -> None:
    """Run all parts and write the record."""
    rows = known()
    result = {
        "study": "event_dimension",
        "question": __doc__.split("Question: ")[1].split("\n\n")[0].replace("\n", " "),
        "settings": {
            "seed": SEED,
            "seeds": SEEDS,
            "sizes": list(SIZES),
            "dimensions": list(DIMENSIONS),
            "noise": list(NOISE),
            "neighbours": NEIGHBOURS,
        },
        "versions": versions() | {"scikit-dimension": skdim.__version__},
        "errors": errors(rows),
        "means": [
            {k: v if k not in METHODS else float(np.nanmean(v)) for k, v in r.items()}
            for r in rows
        ],
        "tokens": token_streams(),
        "speech": speech_streams(),
        "slice": slice_of_study(),
    }
    write_json(RESULT, rounded(result))


if __name__ == "__main__":
    main()
