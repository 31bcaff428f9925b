# SPDX-License-Identifier: Apache-2.0
"""What ``tools/demo.py`` is made of: a plan, resumable steps, a report."""

from .jobs import Job, JobError, JobResult, run_jobs
from .pipeline import Demo, training_progress
from .plan import DemoSettings, Method, Plan
from .report import MethodResult, official_line, result_table, write_report
from .steps import Step, folder_lock, hash_files, hash_values

__all__ = [
    'Demo',
    'DemoSettings',
    'Job',
    'JobError',
    'JobResult',
    'Method',
    'MethodResult',
    'Plan',
    'Step',
    'folder_lock',
    'hash_files',
    'hash_values',
    'official_line',
    'result_table',
    'run_jobs',
    'training_progress',
    'write_report',
]
