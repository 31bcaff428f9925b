# SPDX-License-Identifier: Apache-2.0
"""The grid of methods, directions and seeds, and the one table of it."""

from .grid import (
    Cell,
    GridResult,
    choose_recipes,
    ensure_street_world,
    make_cells,
)
from .runner import make_pictures, publish_records, run_cells
from .summary import Benchmark, load_benchmark, write_all

__all__ = [
    'Benchmark',
    'Cell',
    'GridResult',
    'choose_recipes',
    'ensure_street_world',
    'load_benchmark',
    'make_cells',
    'make_pictures',
    'publish_records',
    'run_cells',
    'write_all',
]
