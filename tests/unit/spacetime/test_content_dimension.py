import numpy as np
import pytest

from qglib.spacetime import content_dimension


def stream(dimension, rng, n=1500, ambient=6):
    """Uniform times, contents uniform in a cube that is turned into R^ambient."""
    turn = np.linalg.qr(rng.normal(size=(ambient, ambient)))[0][:dimension]
    return rng.uniform(size=n), rng.uniform(size=(n, dimension)) @ turn


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_dimension_of_a_cube_is_found(dimension):
    rng = np.random.default_rng(40 + dimension)
    found = content_dimension(*stream(dimension, rng), rng=rng)
    assert abs(float(found) - dimension) < 0.15 * dimension + 0.1
    assert found.low <= found.dimension <= found.high


def test_bad_input_names_the_argument():
    rng = np.random.default_rng(1)
    times, contents = stream(2, rng, n=200)
    with pytest.raises(ValueError, match="rng is left out"):
        content_dimension(times, contents)
    with pytest.raises(ValueError, match="times are all equal"):
        content_dimension(np.zeros(200), contents, rng=rng)
    with pytest.raises(ValueError, match="contents are all equal"):
        content_dimension(times, np.zeros((200, 2)), rng=rng)
    with pytest.raises(ValueError, match="no interval is large enough"):
        content_dimension(times[:30], contents[:30], rng=rng, min_size=25)
