"""Parts, blanks, events and edits of the five kinds, on inputs with known answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from qglib.data import KINDS, Sound
from qglib.data.arrays import cuts, exchanged
from qglib.data.kinds import BANDS, LOWEST

text, image, sound, table, series = KINDS.values()
RATE = 8000
TIME = np.arange(RATE // 2) / RATE
LOW, HIGH = (np.sin(2 * np.pi * f * TIME) for f in (300, 2000))
ROWS = np.arange(12.0).reshape(4, 3)
INPUTS = {
    "text": "the bank raised rates",
    "image": np.arange(64.0).reshape(8, 8) / 64,
    "sound": Sound(LOW + HIGH, RATE),
    "table": ROWS[1],
    "series": np.arange(16.0),
}
GIVEN = {"table": ROWS}  # a table needs a background


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def raw(x):
    return x.samples if isinstance(x, Sound) else x


def same(x, y) -> bool:
    if isinstance(x, str):
        return x.split() == y.split()
    return np.array_equal(raw(x), raw(y))


def test_the_five_kinds_are_complete() -> None:
    assert set(KINDS) == set(INPUTS)
    for module in KINDS.values():
        assert all(hasattr(module, f) for f in ("parts", "blank", "events", "edits"))


@pytest.mark.parametrize("kind", INPUTS)
def test_nothing_blanked_is_the_input(kind: str) -> None:
    module, x = KINDS[kind], INPUTS[kind]
    n = len(module.parts(x))
    assert len(set(module.parts(x))) == n
    assert same(module.blank(x, np.ones(n), GIVEN.get(kind)), x)
    with pytest.raises(ValueError, match=rf"each of the {n} parts"):
        module.blank(x, np.ones(n + 1), GIVEN.get(kind))


@pytest.mark.parametrize("kind", INPUTS)
def test_the_placebo_is_exact_and_every_other_edit_is_a_change(kind, rng) -> None:
    module, x = KINDS[kind], INPUTS[kind]
    for _ in range(20):
        edits = module.edits(x, rng, GIVEN.get(kind))
        assert same(edits.pop("placebo"), x)
        assert edits
        assert not any(same(changed, x) for changed in edits.values())


@pytest.mark.parametrize("kind", INPUTS)
def test_edits_leave_the_input_alone_and_repeat_under_a_seed(kind) -> None:
    module, x = KINDS[kind], INPUTS[kind]
    before = np.copy(raw(x)) if kind != "text" else x
    found = [
        module.edits(x, np.random.default_rng(1), GIVEN.get(kind)) for _ in range(2)
    ]
    assert same(x, before)
    assert all(same(found[0][name], found[1][name]) for name in found[0])


def test_words_are_masked_or_removed() -> None:
    x = "the bank raised rates"
    assert text.parts(x) == ["the", "bank", "raised", "rates"]
    assert text.blank(x, [1, 0, 1, 1]) == "the [MASK] raised rates"
    assert text.blank(x, [1, 0, 1, 0], "") == "the raised"
    assert text.blank(("a", "b"), [0, 1], ["training", "texts"]) == ("[MASK]", "b")


def test_edits_of_words(rng) -> None:
    words = ("a", "b", "c")
    for _ in range(20):
        found = text.edits(words, rng)
        assert found["swap"] in {("b", "a", "c"), ("a", "c", "b")}
        assert len(found["delete"]) == 2
        assert set(found["replace"]) < set(words)
        assert found["placebo"] == words
        assert text.edits("a b", rng)["placebo"] == "a  b"
    assert set(text.edits("word", rng)) == {"placebo"}
    assert set(text.edits("so so", rng)) == {"delete", "placebo"}


def test_words_need_vectors_to_be_events() -> None:
    with pytest.raises(ValueError, match=r"vectors is None.*frozen_features"):
        text.events("a b c")
    found = text.events("a b c", np.eye(3), window=2)
    assert found.names == ("a", "b", "c")
    assert found.speed == pytest.approx(np.pi / 4)


def test_patches_become_their_background() -> None:
    x = INPUTS["image"]
    assert image.parts(x)[:2] == ["patch 0,0", "patch 0,2"]
    keep = np.arange(16) != 0
    assert (image.blank(x, keep, 0.0)[:2, :2] == 0).all()
    assert (image.blank(x, keep)[:2, :2] == x.mean()).all()
    images = np.stack([np.zeros((8, 8)), np.ones((8, 8))])
    assert (image.blank(x, keep, images)[:2, :2] == 0.5).all()
    assert np.array_equal(image.blank(x, keep, 0.0)[2:], x[2:])
    with pytest.raises(ValueError, match=r"background has shape \(3,\)"):
        image.blank(x, keep, np.zeros(3))


def test_edits_of_an_image(rng) -> None:
    x = INPUTS["image"]
    for _ in range(20):
        found = image.edits(x, rng)
        inner = found["shift"][1:-1, 1:-1]
        moves = ((0, 1), (2, 1), (1, 0), (1, 2))
        assert any(np.array_equal(inner, x[r : r + 6, c : c + 6]) for r, c in moves)
        assert np.array_equal(np.sort(found["exchange"], None), np.sort(x, None))
        assert (found["exchange"] != x).sum() == 8
        assert (found["blank"] != x).sum() <= 4
    assert {len(image.events(x, r).times) > 0 for r in ("pixels", "blobs")} == {True}
    assert image.events(x, speed=2.0).speed == 2.0


def test_bands_add_up_and_hold_their_tone() -> None:
    x = INPUTS["sound"]
    names = sound.parts(x)
    single = [sound.blank(x, np.arange(8) == k).samples for k in range(8)]
    assert np.allclose(np.sum(single, axis=0), x.samples)
    energy = dict(zip(names, (np.square(s).sum() for s in single), strict=True))
    assert set(sorted(energy, key=energy.get)[-2:]) == {"287-486 Hz", "1394-2362 Hz"}
    assert np.allclose(sound.blank(x, np.zeros(8)).samples, 0)
    without_high = sound.blank(x, np.array(names) != "1394-2362 Hz").samples
    assert np.abs(without_high - LOW).max() < 1e-9


def test_edits_of_a_sound_keep_its_energy(rng) -> None:
    x = INPUTS["sound"]
    found = sound.edits(x, rng)
    for name in ("shift", "reverse"):
        assert np.allclose(np.sort(found[name].samples), np.sort(x.samples))
    assert np.array_equal(found["reverse"].samples, x.samples[::-1])
    with pytest.raises(TypeError, match=r"give a qglib\.data\.Sound"):
        sound.parts(x.samples)


def test_one_column_at_a_time_takes_a_value_of_another_row(rng) -> None:
    x, names = ROWS[1], ("age", "pulse", "dose")
    for _ in range(10):
        found = table.edits(x, rng, ROWS, names)
        assert list(found) == [*names, "placebo"]
        for k, name in enumerate(names):
            assert np.flatnonzero(found[name] != x).tolist() == [k]
            assert found[name][k] in ROWS[:, k]
    constant = np.column_stack([ROWS, np.ones(4)])
    assert "column 3" not in table.edits(constant[0], rng, constant)


def test_a_blanked_column_is_the_mean_of_the_background() -> None:
    assert table.blank(ROWS[0], [1, 0, 1], ROWS).tolist() == [0.0, 5.5, 2.0]
    assert table.blank(ROWS[0], [0, 1, 1], ROWS[3]).tolist() == [9.0, 1.0, 2.0]
    for call in (
        lambda: table.blank(ROWS[0], [1, 0, 1]),
        lambda: table.edits(ROWS[0], 0),
    ):
        with pytest.raises(ValueError, match="background is None"):
            call()
    with pytest.raises(ValueError, match=r"give \(n, 3\)"):
        table.blank(ROWS[0], [1, 0, 1], np.zeros((2, 5)))
    with pytest.raises(ValueError, match="give one row"):
        table.parts(ROWS)
    assert table.parts(pd.Series({"age": 3.0, "dose": 1.0})) == ["age", "dose"]
    with pytest.raises(ValueError, match="2 names for 3 values"):
        table.parts(ROWS[0], ("a", "b"))
    with pytest.raises(ValueError, match=r"no events.*from_dominance"):
        table.events(ROWS[0])


def test_windows_become_the_mean_or_the_background() -> None:
    x = INPUTS["series"]
    assert series.parts(x)[0] == "steps 0-1"
    keep = np.arange(8) > 0
    assert series.blank(x, keep)[:3].tolist() == [7.5, 7.5, 2.0]
    assert series.blank(x, keep, np.stack([x, x + 2]))[:2].tolist() == [1.0, 2.0]
    channels = np.column_stack([x, -x])
    assert series.blank(channels, keep)[0].tolist() == [7.5, -7.5]
    with pytest.raises(ValueError, match="without NaN"):
        series.parts([1.0, np.nan])


def test_edits_and_events_of_a_series(rng) -> None:
    x = INPUTS["series"]
    found = series.edits(x, rng)
    assert np.array_equal(found["reverse"], x[::-1])
    assert (found["exchange"] != x).sum() == 4
    events = series.events(x, speed=1.0)
    assert (len(events), events.speed, events.time_unit) == (16, 1.0, "step")
    assert series.events(np.column_stack([x, x])).contents.shape == (16, 2)


def test_cuts_cover_a_length_once() -> None:
    for length, pieces in ((8, 4), (7, 4), (2, 4)):
        covered = [k for part in cuts(length, pieces) for k in range(length)[part]]
        assert covered == list(range(length))
    unequal = [slice(0, 1), slice(1, 3)]
    assert exchanged(np.arange(3.0), unequal, np.random.default_rng(0)) == {}


def test_a_tone_on_the_edge_of_two_bands_belongs_to_the_upper_one() -> None:
    edge = Sound(np.sin(2 * np.pi * LOWEST * TIME), RATE)  # a whole number of Hz
    for band, left in ((0, 1.0), (1, 0.0)):
        rest = sound.blank(edge, np.arange(BANDS) != band).samples
        share = (rest**2).sum() / (edge.samples**2).sum()
        assert share == pytest.approx(left, abs=1e-9)
