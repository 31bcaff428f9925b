# SPDX-License-Identifier: Apache-2.0
"""Domain-adaptive and semi-supervised segmentation as mmseg plugins.

Importing the package registers everything into mmseg's registries; configs do
it with ``custom_imports = dict(imports=['mmseg_da'])``.
"""

from .compat import apply_shims, check_environment
from .utils.quiet_import import import_mmseg_quietly
from .version import __version__

check_environment()
apply_shims()
import_mmseg_quietly()

from . import datasets, engine, evaluation, models, uda  # noqa: E402

__all__ = ['__version__', 'datasets', 'engine', 'evaluation', 'models', 'uda']
