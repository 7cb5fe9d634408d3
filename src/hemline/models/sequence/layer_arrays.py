"""A trained encoder's weights as the arrays that compiled loops read."""

from typing import Any

import numpy as np
import numpy.typing as npt

from hemline.kernels.attention_rows import AttentionLayers
from hemline.kernels.gru_rows import GruLayers
from hemline.kernels.sequence_rows import PoolLayers
from hemline.models.sequence.encoders import N_HEADS, AttentionEncoder, Encoder, GruEncoder

Weights = npt.NDArray[np.float64]
Arrays = dict[str, Weights]


def layers_of(encoder: Encoder) -> Arrays:
    """Return the layers by their names in the encoder's tuple; matrices have a row per input."""
    if isinstance(encoder, GruEncoder):
        layers: Any = _of_gru(encoder)
    elif isinstance(encoder, AttentionEncoder):
        layers = _of_attention(encoder)
    else:
        layers = PoolLayers(_array(encoder.weight_of_age), *_linear(encoder.out))
    arrays: Arrays = layers._asdict()
    return arrays


def _of_gru(encoder: GruEncoder) -> GruLayers:
    gru = encoder.gru
    from_input = _matrix(gru.weight_ih_l0), _array(gru.bias_ih_l0)
    from_state = _matrix(gru.weight_hh_l0), _array(gru.bias_hh_l0)
    return GruLayers(*from_input, *from_state, *_linear(encoder.out))


def _of_attention(encoder: AttentionEncoder) -> AttentionLayers:
    blocks = [_of_block(block) for block in encoder.blocks]
    layers: list[Any] = [_array(encoder.now), np.array([N_HEADS], np.float64)]
    layers += [np.stack(parts) for parts in zip(*blocks, strict=True)]
    layers += [_norm(encoder.norm), *_linear(encoder.out)]
    return AttentionLayers(*layers)


def _of_block(block: Any) -> tuple[Weights, ...]:
    return (
        _norm(block.norm_in),
        *_linear(block.queries_keys_values),
        *_linear(block.joined),
        _norm(block.norm_mid),
        *_linear(block.up),
        *_linear(block.down),
    )


def _linear(layer: Any) -> tuple[Weights, Weights]:
    return _matrix(layer.weight), _array(layer.bias)


def _norm(layer: Any) -> Weights:
    return np.stack([_array(layer.weight), _array(layer.bias)])


def _matrix(weights: Any) -> Weights:
    """Return a matrix with a row per input, where torch has one per output."""
    return _array(weights.T)


def _array(weights: Any) -> Weights:
    return np.ascontiguousarray(weights.detach().numpy().astype(np.float64))
