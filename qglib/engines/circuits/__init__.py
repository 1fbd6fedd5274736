"""A QNode read once, run for whole batches; sealed behind `qglib.quantum.QuantumHead`.

The README beside this file is the map.
"""
