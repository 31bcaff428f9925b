# SPDX-License-Identifier: Apache-2.0
"""Published checkpoints of other projects; behind tools/model_converters."""
