# SPDX-License-Identifier: Apache-2.0
import benchmark_records
import pytest

from mmseg_da.benchmark import load_benchmark

REPORTED = """
- name: their method
  direction: swg2swc
  miou: {mIoU: 35.0}
  iou: {road: 40.0, car: 30.0}
  source: A. Author, A Paper, CONF 2020, table 1
  comment: ''
"""


@pytest.fixture
def reported(tmp_path):
    path = tmp_path / 'reported.yml'
    path.write_text(REPORTED, encoding='utf-8')
    return path


@pytest.fixture
def records(tmp_path):
    """The grid of ``save_grid``, worked out there."""
    return benchmark_records.save_grid(tmp_path / 'records')


@pytest.fixture
def load(reported):
    """Tables of a folder of records."""

    def call(folder, **options):
        return load_benchmark(folder, reported, **options)

    return call
