"""Tables and images that installed packages ship, as examples."""

from __future__ import annotations

import numpy as np

from qglib.data import load_digits_images, load_table
from qglib.data.examples import Examples, divided, in_order

MODES = ("air", "train", "bus", "car")
QUARTERS = 4  # quarters a forecast of `bill_rate` looks back


def numbers(inputs: object) -> np.ndarray:
    """Rows of numbers ``(n, columns)`` from rows, a frame or images ``(n, r, c)``.

    Raises:
        ValueError: a single row, or entries that are no numbers.
    """
    try:
        values = np.asarray(inputs, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"inputs are not rows of numbers ({error}): encode words and dates first"
        ) from None
    if values.ndim < 2:
        raise ValueError(
            f"inputs have shape {values.shape}: give one row per example, (n, columns)"
        )
    return values.reshape(len(values), -1) if len(values) else values


def digits(seed: int) -> Examples:
    """1797 handwritten digits of 8 x 8 pixels; see `load_digits_images`."""
    found = load_digits_images()
    labels = [str(k) for k in found.labels]
    return Examples(found.images, labels, divided(labels, seed))


def breast_cancer(seed: int) -> Examples:
    """569 biopsies, 30 measurements of cell nuclei: malignant or benign."""
    return _table("breast_cancer", {0: "malignant", 1: "benign"}, seed)


def wine_origin(seed: int) -> Examples:
    """178 chemical analyses of a product (wine): which of three makers."""
    return _table("wine", {k: f"maker {k + 1}" for k in range(3)}, seed)


def _table(name: str, names: dict[int, str], seed: int) -> Examples:
    table = load_table(name)
    labels = [names[int(k)] for k in table.target]
    return Examples(table.features.to_numpy(float), labels, divided(labels, seed))


def travel_mode(seed: int) -> Examples:
    """210 travellers: which of four modes to offer first; they then chose one.

    Waiting time, cost and times of each mode, household income and party size; real
    choices between Sydney, Canberra and Melbourne (Greene, through statsmodels).
    """
    table = load_table("modechoice")
    n, columns = len(table) // len(MODES), ["ttme", "invc", "invt", "gc"]
    offers = table.features[columns].to_numpy(float).reshape(n, -1)
    person = table.features[["hinc", "psize"]].to_numpy(float)[:: len(MODES)]
    chosen = table.target.to_numpy().reshape(n, len(MODES)).argmax(axis=1)
    labels = [MODES[k] for k in chosen]
    return Examples(np.hstack([offers, person]), labels, divided(labels, seed))


def bill_rate(seed: int) -> Examples:
    """197 quarters: will the three-month treasury rate rise in the next one?

    The changes of six US series over the last four quarters; split along time, so
    the seed changes nothing. See `qglib.data.economy.load_economy`.
    """
    from qglib.data.economy import load_economy

    changes = load_economy()
    values, n = changes.to_numpy(), len(changes) - QUARTERS
    past = np.hstack([values[k : k + n] for k in range(QUARTERS)])
    rises = changes["bill_rate"].to_numpy()[QUARTERS:] > 0
    labels = ["rise" if up else "no rise" for up in rises]
    return Examples(past, labels, in_order(n))
