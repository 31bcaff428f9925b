# SPDX-License-Identifier: Apache-2.0
"""The DDP wrapper of all methods."""

from __future__ import annotations

from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn

from .update import run_update_phases


# Runner.wrap_model looks into mmengine's registry only, not into mmseg's.
@MODEL_WRAPPERS.register_module()
class UDADistributedDataParallel(MMDistributedDataParallel):
    """DDP that runs the same update loop as a single process.

    mmengine's wrapper never calls the model's ``train_step``; this one calls
    :func:`~mmseg_da.engine.update.run_update_phases`, as the model does
    without a wrapper. Works on CUDA (NCCL) and on CPUs (gloo).

    Args:
        module (nn.Module): The model.
        device_ids (list[int], optional): CUDA device of this process; not
            looked at when the model lies on the CPU. Defaults to None.
        broadcast_buffers (bool): Whether rank 0's buffers (BatchNorm
            statistics) are sent to all at each forward. Defaults to False.
        find_unused_parameters (bool): Needed when some trainable parameters
            take no part in the loss of an iteration (or phase). Defaults to
            False.
        bucket_cap_mb (int): Bucket size of the gradient reduction in MiB.
            Defaults to 25.
        gradient_as_bucket_view (bool): Saves one copy of the gradients.
            Defaults to False.
        static_graph (bool): Whether every iteration uses the same
            parameters in the same way. Defaults to False.
    """

    def __init__(
        self,
        module: nn.Module,
        device_ids: list[int] | None = None,
        broadcast_buffers: bool = False,
        find_unused_parameters: bool = False,
        bucket_cap_mb: int = 25,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        if next(module.parameters()).device.type == 'cpu':
            device_ids = None
        super().__init__(
            module=module,
            device_ids=device_ids,
            broadcast_buffers=broadcast_buffers,
            find_unused_parameters=find_unused_parameters,
            bucket_cap_mb=bucket_cap_mb,
            gradient_as_bucket_view=gradient_as_bucket_view,
            static_graph=static_graph,
        )

    def train_step(
        self, data: dict, optim_wrapper: OptimWrapper
    ) -> dict[str, Tensor]:
        """Preprocess a batch, then run one update per phase.

        Args:
            data (dict): A collated batch.
            optim_wrapper (OptimWrapper): Steps once per phase.

        Returns:
            dict[str, Tensor]: Log variables, scalars of this process.
        """
        data = self.module.data_preprocessor(data, True)
        return run_update_phases(
            self,
            getattr(self.module, 'update_phases', {}),
            data,
            optim_wrapper,
            self.module.parse_losses,
        )
