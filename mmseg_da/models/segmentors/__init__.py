# SPDX-License-Identifier: Apache-2.0
from .logit_ensemble import LogitEnsemble
from .one_step_encoder_decoder import OneStepEncoderDecoder

__all__ = ['LogitEnsemble', 'OneStepEncoderDecoder']
