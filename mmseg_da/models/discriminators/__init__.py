# SPDX-License-Identifier: Apache-2.0
from .fc_discriminator import FCDiscriminator

__all__ = ['FCDiscriminator']
