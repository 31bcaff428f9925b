# SPDX-License-Identifier: Apache-2.0
"""Files made once from a dataset: import from the modules.

Nothing is imported here, because datasets use ``conversion.parallel``.
"""
