# SPDX-License-Identifier: Apache-2.0
"""Adversarial alignment of two domains with one backward pass."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

SOURCE_LABEL = 0.0
TARGET_LABEL = 1.0
GAN_LOSSES = ('bce', 'lsgan')


def domain_loss(logits: Tensor, label: float, gan: str = 'bce') -> Tensor:
    """Distance of a discriminator's output from a domain label.

    'bce': mean of ``softplus(x) - y * x``, the binary cross-entropy of
    logits (Goodfellow et al. 2014). 'lsgan': mean of ``(x - y) ** 2`` (Mao
    et al. 2017).

    Args:
        logits (Tensor): Output of a discriminator, any shape; computed in
            fp32 or higher.
        label (float): 0 for the source, 1 for the target.
        gan (str): 'bce' or 'lsgan'. Defaults to 'bce'.

    Returns:
        Tensor: Scalar.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    wanted = torch.full_like(logits, label)
    if gan == 'bce':
        return F.binary_cross_entropy_with_logits(logits, wanted)
    return F.mse_loss(logits, wanted)


def frozen_forward(module: nn.Module, x: Tensor) -> Tensor:
    """Run a module whose parameters are constants.

    The gradient reaches ``x`` but no parameter, and no buffer changes, so
    that the losses of a generator and of its discriminator can be summed and
    back-propagated once, also under DDP: each parameter of the discriminator
    gets exactly the gradient of the discriminator's own terms.

    Args:
        module (nn.Module): E.g. a discriminator.
        x (Tensor): Its input.

    Returns:
        Tensor: ``module(x)``.
    """
    constants = {name: p.detach() for name, p in module.named_parameters()}
    constants.update((name, b.clone()) for name, b in module.named_buffers())
    return functional_call(module, constants, (x,))


def adversarial_losses(
    discriminator: nn.Module, source: Tensor, target: Tensor, gan: str = 'bce'
) -> dict[str, Tensor]:
    """Terms of one alignment level (Vu et al., CVPR 2019, eq. 5 and 6).

    The generator wants its target maps to be taken for the source; the
    discriminator learns on the same maps, cut off from the generator. Each of
    its halves has weight 0.5.

    Args:
        discriminator (nn.Module): Maps -> domain logits.
        source (Tensor): Maps (N, C, H, W) of source images.
        target (Tensor): Maps (M, C, H', W') of target images, with graph.
        gan (str): 'bce' or 'lsgan'. Defaults to 'bce'.

    Returns:
        dict[str, Tensor]: Scalars ``loss_gen`` (not weighted),
        ``loss_disc_source``, ``loss_disc_target`` and ``acc_disc``, the
        discriminator's mean accuracy over both domains, in [0, 1].
    """
    fooled = frozen_forward(discriminator, target)
    on_source = discriminator(source.detach())
    on_target = discriminator(target.detach())
    return {
        'loss_gen': domain_loss(fooled, SOURCE_LABEL, gan),
        'loss_disc_source': 0.5 * domain_loss(on_source, SOURCE_LABEL, gan),
        'loss_disc_target': 0.5 * domain_loss(on_target, TARGET_LABEL, gan),
        'acc_disc': discriminator_accuracy(on_source, on_target, gan),
    }


@torch.no_grad()
def discriminator_accuracy(
    on_source: Tensor, on_target: Tensor, gan: str = 'bce'
) -> Tensor:
    """Share of places that are judged right, mean over the domains.

    Args:
        on_source (Tensor): Output on source maps.
        on_target (Tensor): Output on target maps.
        gan (str): 'bce' (boundary at logit 0) or 'lsgan' (at 0.5).

    Returns:
        Tensor: Scalar in [0, 1]; 0.5 is chance.
    """
    boundary = 0.0 if gan == 'bce' else 0.5
    right = (on_source < boundary).float().mean()
    return 0.5 * (right + (on_target > boundary).float().mean())
