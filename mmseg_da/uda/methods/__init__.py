# SPDX-License-Identifier: Apache-2.0
from .supervised import SupervisedOnly

__all__ = ['SupervisedOnly']
