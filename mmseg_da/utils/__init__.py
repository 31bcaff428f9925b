# SPDX-License-Identifier: Apache-2.0
"""Helpers of the command line tools, files and checkpoints."""

from .files import atomic_write, ensure_writable, write_json

__all__ = ['atomic_write', 'ensure_writable', 'write_json']
