"""Summary of a power benchmark: means, paired differences, win, tie and loss.

Question: what do the rejections of many tests on the same samples say together?
Differences are between power on the same samples; their spread over simulations or
structures is the unit for generalising. Runtime: seconds.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from . import families
from .independence_benchmark import (
    FAMILY_N,
    KAPPAS,
    MAIN,
    NOISELESS,
    NULL_SIMULATION,
    OTHER_FORMS,
    REFERENCE,
    SAMPLES,
    SIMULATIONS,
    SIZES,
    Job,
)


def _interval(values: np.ndarray) -> dict[str, float]:
    """Mean, standard error and 95 % interval over simulations or structures."""
    mean, se = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    half = student.ppf(0.975, len(values) - 1) * se
    ends = {"mean": mean, "se": se, "low": mean - half, "high": mean + half}
    return {name: round(float(v), 4) for name, v in ends.items()}


def _cell(name: str, kappa: int, n: int) -> Job:
    return "hyppo", name, 0 if name in NOISELESS else kappa, n


def _gap(found: dict, job: Job, rival: str) -> tuple[float, float]:
    """Paired difference of power to a rival and its standard error."""
    gap = found[job][MAIN].astype(float) - found[job][rival]
    return gap.mean(), gap.std() / np.sqrt(len(gap))


def summarise(found: dict[Job, dict]) -> dict:
    """Everything the record says about power, from the rejections."""
    methods = list(next(iter(found.values())))
    alternatives = [s for s in SIMULATIONS if s != NULL_SIMULATION]
    main = [s for s in alternatives if s != "uncorrelated_bernoulli"]
    power = np.array(
        [
            [
                [[found[_cell(s, k, n)][m].mean() for n in SIZES] for k in KAPPAS]
                for s in alternatives
            ]
            for m in methods
        ]
    )  # method, simulation, kappa, n
    eighteen = power[:, [alternatives.index(s) for s in main]]
    place = methods.index(MAIN)
    sines = [main.index(s) for s in ("sin_four_pi", "sin_sixteen_pi")]
    kinds = [(f, k) for f, ks in families.FAMILIES.items() for k in ks]
    by_structure = {
        kind: np.array(
            [
                [found[*kind, i, FAMILY_N][m].mean() for m in methods]
                for i in range(families.STRUCTURES)
            ]
        )
        for kind in kinds
    }
    pooled = {
        family: np.concatenate([by_structure[k] for k in kinds if k[0] == family])
        for family in families.FAMILIES
    }

    def gaps(one: int, other: int) -> dict[str, dict[str, float]]:
        gap = eighteen[one] - eighteen[other]
        return {
            "nine_cells": _interval(gap.mean(axis=(1, 2))),
            "kappa_1_2": _interval(gap[:, 1:].mean(axis=(1, 2))),
            "without_sines": _interval(np.delete(gap, sines, axis=0).mean(axis=(1, 2))),
            "nineteen": _interval((power[one] - power[other]).mean(axis=(1, 2))),
            **{f: _interval(v[:, one] - v[:, other]) for f, v in pooled.items()},
        }

    headline, differences, contests = {}, {}, {}
    for m, method in enumerate(methods):
        nine = eighteen[m]
        sampling = [
            nine[a, b, c]
            * (1 - nine[a, b, c])
            / SAMPLES
            / (1 if main[a] not in NOISELESS else 1 / 3)
            for a, b, c in np.ndindex(nine.shape)
        ]
        headline[method] = {
            "mean_18": nine.mean(),
            "mean_18_sampling_se": np.sqrt(np.sum(sampling)) / nine.size,
            "mean_19": power[m].mean(),
            "mean_18_kappa_1_2": nine[:, 1:].mean(),
            "by_kappa": nine.mean(axis=(0, 2)).tolist(),
            "by_n": nine.mean(axis=(0, 1)).tolist(),
            "by_kappa_and_n": nine.mean(axis=0).tolist(),
            "size": [found[_cell(NULL_SIMULATION, 0, n)][method].mean() for n in SIZES],
            **{f: pooled[f][:, m].mean() for f in pooled},
        }
        if m == place:
            continue
        differences[method] = gaps(place, m)
        contests[method] = {}
        for kappa in KAPPAS:
            score = [0, 0, 0]
            for s in main:
                for n in SIZES:
                    mean, se = _gap(found, _cell(s, kappa, n), method)
                    limit = max(2 * se, 0.02)
                    score[0 if mean > limit else 2 if mean < -limit else 1] += 1
            contests[method][f"kappa_{kappa}"] = score
    return {
        "methods": methods,
        "headline": headline,
        "differences": differences,
        "other_forms_minus_mgc": {
            name: gaps(methods.index(name), methods.index(REFERENCE))
            for name in OTHER_FORMS
        },
        "win_tie_loss": contests,
        "per_simulation": [_simulation_row(found, s, methods) for s in alternatives],
        "rows": [
            {
                "simulation": s,
                "kappa": k,
                "n": n,
                "power": [found[_cell(s, k, n)][m].mean() for m in methods],
            }
            for s in SIMULATIONS
            for k in (KAPPAS[:1] if s in NOISELESS else KAPPAS)
            for n in SIZES
        ],
        "families": [
            {
                "family": f,
                "kind": k,
                "power": by_structure[f, k].mean(axis=0).tolist(),
                "minus_mgc": _interval(
                    by_structure[f, k][:, place]
                    - by_structure[f, k][:, methods.index(REFERENCE)]
                ),
            }
            for f, k in kinds
        ],
    }


def _simulation_row(found: dict, name: str, methods: list[str]) -> dict:
    """Means over kappa = 1, 2 and n, with the paired difference to each rival."""
    kappas = KAPPAS[:1] if name in NOISELESS else KAPPAS[1:]
    cells = [_cell(name, k, n) for k in kappas for n in SIZES]
    row = {
        "simulation": name,
        "power": [np.mean([found[c][m].mean() for c in cells]) for m in methods],
        "minus": {},
    }
    for rival in methods:
        if rival == MAIN:
            continue
        gaps = np.array([_gap(found, c, rival) for c in cells])
        mean, se = gaps[:, 0].mean(), np.sqrt((gaps[:, 1] ** 2).sum()) / len(cells)
        row["minus"][rival] = [mean, mean - 1.96 * se, mean + 1.96 * se]
    return row


def rounded(content: object, digits: int = 4) -> object:
    """Plain Python numbers, rounded, all the way down."""
    if isinstance(content, dict):
        return {key: rounded(value, digits) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [rounded(value, digits) for value in content]
    if isinstance(content, float | np.floating):
        return round(float(content), digits)
    return content
