"""Which tracker notices and recovers a path hidden in clutter, and in real speech?

Question: power and recall of the longest chain, a greedy and a smooth Viterbi tracker
against the number of points planted (1000 clutter points, speed limit 1, level .05);
and recovery of a known gliding tone mixed into spoken digits.

Protocol: seed 2000 for the clutter (200 null draws, 60 trials per number), the
trackers' settings were written down before and not tuned on it. Speech: the first 30
files, in order of name, of the Free Spoken Digit Dataset, longer than .25 s, tone
amplitudes 0 to 1 of the peak, 49 permutations each; skipped where the data is absent.
Runtime: about one minute on one thread. `slice_of_study` recomputes a part.

Run: python -m bench.studies.planted_path [folder of the speech files]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from qglib.causal.melody_path import hide_tone, melody_path
from qglib.causal.planted_path import planted_path_power
from qglib.data.audio import load_speech
from qglib.record import versions, write_json

RESULT = Path(__file__).parents[2] / "data/reference/results/planted_path.json"


def rounded(table) -> list[dict]:
    return [
        {k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def slice_of_study() -> list[dict]:
    """A small part, recomputed by a test."""
    rng = np.random.default_rng(1999)
    return rounded(planted_path_power([30], rng, 200, n_trials=5, n_null=20))


def speech(folder: str) -> list[dict]:
    sounds = [s for s in load_speech(folder) if s.seconds > 0.25][:30]
    rows = []
    for level in (0.0, 0.1, 0.3, 1.0):
        rng = np.random.default_rng(2001)
        p_values, shares = [], []
        for sound in sounds:
            mixed, times, octaves = hide_tone(sound, rng, level)
            found = melody_path(mixed, rng, n_draws=49)
            p_values.append(found.chain.p_value)
            shares.append(found.near(times, octaves, 0.05))
        row = {
            "level": level,
            "sounds": len(sounds),
            "significant": float(np.mean(np.array(p_values) <= 0.05)),
        }
        for name in shares[0].index:
            row[f"near_{name.replace(' ', '_').lower()}"] = round(
                float(np.mean([s[name] for s in shares])), 6
            )
        rows.append(row)
    return rows


def main() -> None:
    rng = np.random.default_rng(2000)
    power = planted_path_power([10, 20, 30, 40, 60], rng, n_trials=60, n_null=200)
    write_json(
        RESULT,
        {
            "study": "planted_path",
            "question": __doc__.splitlines()[0],
            "settings": {
                "n_clutter": 1000,
                "n_trials": 60,
                "n_null": 200,
                "seed": 2000,
            },
            "versions": versions(),
            "rows": rounded(power),
            "speech": speech(sys.argv[1]) if len(sys.argv) > 1 else [],
            "slice": slice_of_study(),
        },
    )
    print(power.round(3).to_string())


if __name__ == "__main__":
    main()
