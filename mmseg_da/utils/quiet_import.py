# SPDX-License-Identifier: Apache-2.0
"""Import mmseg without its notes about optional parts nobody asked for."""

import contextlib
import importlib
import io
import warnings


def import_mmseg_quietly() -> None:
    """Import ``mmseg.datasets`` and ``mmseg.models``.

    They print 'Could not import OneDL' twice and warn that a compiled op is
    absent; nothing in this suite uses either. Errors pass through.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.filterwarnings('ignore', message='Fail to import')
        importlib.import_module('mmseg.datasets')
        importlib.import_module('mmseg.models')
