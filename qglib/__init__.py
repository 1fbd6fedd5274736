"""Quantum gravity and quantum computing for learning machines, measured.

``qglib`` is the thin library behind the numbered notebooks: causal sets
(`qglib.spacetime`), circuits (`qglib.quantum`), token tagging (`qglib.models`),
causal analysis (`qglib.causal`) and explanation (`qglib.explain`).
"""

import os

# cuBLAS reads this once, when CUDA starts: set later it is ignored and runs on
# a GPU stop being reproducible.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

__version__ = "0.1.0"
