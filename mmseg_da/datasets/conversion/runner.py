# SPDX-License-Identifier: Apache-2.0
"""Write many files, resumable, and read every one of them again."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from mmseg_da.utils.files import atomic_write, write_json

from ..image_files import read_file
from .parallel import run_jobs

__all__ = ['Conversion', 'ConversionReport', 'FileJob', 'convert_files']


@dataclass(frozen=True)
class FileJob:
    """One file to write.

    Attributes:
        output: File to write.
        source: File it is made from.
        image: Image that a label belongs to, if any.
    """

    output: str
    source: str
    image: str | None = None


class Conversion(ABC):
    """How one kind of file is made and how it is checked afterwards."""

    @abstractmethod
    def settings(self) -> dict:
        """What decides the content, as JSON values."""

    @abstractmethod
    def make(self, job: FileJob) -> bytes:
        """Content of the file.

        Raises:
            ValueError: The source is faulty.
        """

    @abstractmethod
    def check(
        self, job: FileJob, data: bytes, full: bool
    ) -> np.ndarray | None:
        """Check a written file.

        Args:
            job: Where it comes from.
            data: Content read back from the disk.
            full: Compare it with its source too.

        Returns:
            Counts to be summed over all files, or None.

        Raises:
            ValueError: The file is faulty; names it.
        """


@dataclass
class ConversionReport:
    """Result of a conversion.

    Attributes:
        written: Files written now.
        kept: Files of an earlier, interrupted run.
        problems: One message per faulty or missing file.
        totals: Sum of the counts of all files, or None.
    """

    written: int = 0
    kept: int = 0
    problems: list[str] = field(default_factory=list)
    totals: np.ndarray | None = None

    def __add__(self, other: ConversionReport) -> ConversionReport:
        totals = [x.totals for x in (self, other) if x.totals is not None]
        return ConversionReport(
            self.written + other.written,
            self.kept + other.kept,
            [*self.problems, *other.problems],
            sum(totals) if totals else None,
        )

    def summary(self) -> str:
        """Say on a few lines what was done and what is wrong."""
        done = self.written + self.kept
        lines = [
            f'{self.written} files written, {self.kept} kept from an earlier '
            f'run; {done} read back and checked'
        ]
        if self.problems:
            lines.append(f'{len(self.problems)} problems:')
            lines += [f'- {text}' for text in self.problems[:8]]
            if len(self.problems) > 8:
                lines.append(f'- ... and {len(self.problems) - 8} more')
        return '\n'.join(lines)


def convert_files(
    conversion: Conversion,
    jobs: Sequence[FileJob],
    marker: Path,
    workers: int | None = None,
    overwrite: bool = False,
    full: bool = True,
    title: str = '',
) -> ConversionReport:
    """Write the files of ``jobs``, then read all of them again and check.

    Every file appears whole or not at all, so after a crash the same call
    goes on. A file that is there already is kept if it passes the quick
    check, and written anew if it does not.

    Args:
        conversion: How files are made and checked.
        jobs: The files.
        marker: Small file that holds the settings; files made with others
            are refused.
        workers: Processes, see :func:`run_jobs`.
        overwrite: Delete and make anew what is there.
        full: Compare every file with its source; always done for files of
            unknown origin.
        title: Text of the progress bar.

    Returns:
        What was done; ``problems`` is empty if all files are right.

    Raises:
        ValueError: The folder holds files of other settings.
        OSError: A process was killed or the marker cannot be written.
    """
    known = _claim(marker, conversion.settings(), jobs, overwrite)
    make = partial(_make, conversion)
    made = run_jobs(make, jobs, workers, f'{title}: writing')
    report = ConversionReport(
        written=sum(x.value is True for x in made),
        kept=sum(x.value is False for x in made),
        problems=[x.error for x in made if x.error],
    )
    good = [job for job, x in zip(jobs, made, strict=True) if not x.error]
    check = partial(_check, conversion, full or not known)
    checked = run_jobs(check, good, workers, f'{title}: checking')
    report.problems += [x.error for x in checked if x.error]
    counts = [x.value for x in checked if x.value is not None]
    report.totals = np.sum(counts, axis=0) if counts else None
    return report


def _make(conversion: Conversion, job: FileJob) -> bool:
    """Write a file; False if a good one was there."""
    output = Path(job.output)
    if output.exists():
        try:
            conversion.check(job, output.read_bytes(), False)
        except ValueError:
            pass
        else:
            return False
    data = conversion.make(job)
    with atomic_write(output) as temporary:
        temporary.write_bytes(data)
    return True


def _check(
    conversion: Conversion, full: bool, job: FileJob
) -> np.ndarray | None:
    return conversion.check(job, read_file(job.output), full)


def _claim(
    marker: Path, settings: dict, jobs: Sequence[FileJob], overwrite: bool
) -> bool:
    """Check and write the marker; True if what is there is known."""
    found = _read_marker(marker)
    if overwrite:
        # First the files: a crash in between leaves the old marker behind.
        for job in jobs:
            Path(job.output).unlink(missing_ok=True)
    elif found is not None and any(
        found.get(k) != v for k, v in settings.items()
    ):
        key = next(k for k, v in settings.items() if found.get(k) != v)
        raise ValueError(
            f'{marker.parent} holds files made with {key}={found.get(key)!r}, '
            f'now asked for: {settings[key]!r}. Give another --out, or '
            '--overwrite to replace them.'
        )
    write_json(marker, settings)
    return overwrite or found is not None


def _read_marker(marker: Path) -> dict | None:
    try:
        content = json.loads(marker.read_text(encoding='utf-8'))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None
