# SPDX-License-Identifier: Apache-2.0
"""Tables, pictures and self-contained HTML pages of results."""

from .curves import Series, line_chart, read_scalars
from .html import (
    Section,
    code,
    facts,
    figure_row,
    heading,
    page,
    remarks,
    score_table,
)
from .machine import describe_machine, describe_versions
from .panels import (
    Panel,
    color_legend,
    colorize,
    encode_image,
    evenly_spaced,
    panel_grid,
)
from .table import Column, ResultTable

__all__ = [
    'Column',
    'Panel',
    'ResultTable',
    'Section',
    'Series',
    'code',
    'color_legend',
    'colorize',
    'describe_machine',
    'describe_versions',
    'encode_image',
    'evenly_spaced',
    'facts',
    'figure_row',
    'heading',
    'line_chart',
    'page',
    'panel_grid',
    'read_scalars',
    'remarks',
    'score_table',
]
