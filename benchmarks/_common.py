# SPDX-License-Identifier: Apache-2.0
"""What the benchmark programs share: options, clock, JSON and table."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# A clone works without being installed.
sys.path.append(str(Path(__file__).resolve().parents[1]))

import cv2
import torch
from prettytable import PrettyTable

from mmseg_da.reporting import describe_machine, describe_versions
from mmseg_da.utils.files import write_json

REPO = Path(__file__).resolve().parents[1]


def make_parser(description: str) -> argparse.ArgumentParser:
    """Parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(
        description=description.split('\n', maxsplit=1)[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('--json', type=Path, help='file; default: stdout')
    parser.add_argument('--threads', type=int, default=1, help='of torch')
    return parser


def use_threads(threads: int) -> None:
    """Limit torch and OpenCV; must be called before anything is timed."""
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)


def now(device: str = 'cpu') -> float:
    """Seconds of a monotonic clock, after all work of the device is done."""
    if device != 'cpu':
        torch.cuda.synchronize()
    return time.perf_counter()


def default_device() -> str:
    """``'cuda'`` where there is one, else ``'cpu'``."""
    return 'cuda' if torch.cuda.is_available() else 'cpu'


def median_ms(seconds: Sequence[float]) -> float:
    """Median in milliseconds."""
    return 1000 * statistics.median(seconds)


def peak_memory_mib() -> dict[str, float]:
    """Peak memory of this process, and of the GPU where there is one."""
    unit = 2**20 if sys.platform == 'darwin' else 2**10
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = {'rss': usage / unit}
    if torch.cuda.is_available():
        memory['cuda'] = torch.cuda.max_memory_allocated() / 2**20
    return memory


def print_table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """A table on stderr, for people; floats with three digits."""
    table = PrettyTable(list(head))
    table.align = 'r'
    table.align[head[0]] = 'l'
    for row in rows:
        table.add_row([f'{v:.3g}' if isinstance(v, float) else v for v in row])
    print(f'\n{title}\n{table}', file=sys.stderr)


def report(name: str, path: Path | None, result: Mapping[str, Any]) -> None:
    """Write the JSON to a file, or to stdout for programs."""
    content = {
        'benchmark': name,
        **result,
        'peak_memory_mib': peak_memory_mib(),
        'machine': describe_machine(),
        'versions': describe_versions(),
    }
    if path is None:
        print(json.dumps(content, indent=1))
    else:
        write_json(path, content)
