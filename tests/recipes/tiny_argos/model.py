"""A transformer small enough for a test fixture, and the way its weights go into a CTranslate2 model."""

import math
from pathlib import Path

import ctranslate2
import numpy as np
import torch
from ctranslate2.specs import TransformerSpec
from torch import Tensor, nn
from torch.nn import functional

LAYERS = (2, 1)
WIDTH, HEADS, INNER = 96, 4, 384
LONGEST = 512
PAD = 3


def sinusoids() -> Tensor:
    """Position encodings, LONGEST x WIDTH."""
    angle = torch.arange(LONGEST).float()[:, None] * torch.exp(
        torch.arange(0, WIDTH, 2).float() * (-math.log(10000.0) / WIDTH)
    )
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class Attention(nn.Module):
    """Multi-head attention over `memory`, its keys and values in one matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.query = nn.Linear(WIDTH, WIDTH)
        self.keys = nn.Linear(WIDTH, 2 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, memory: Tensor | None, mask: Tensor) -> Tensor:
        """Add what attention finds to `x`; without `memory` it looks at itself."""
        normed = self.norm(x)
        k, v = self.keys(normed if memory is None else memory).chunk(2, dim=-1)
        q, k, v = (t.unflatten(-1, (HEADS, -1)).transpose(1, 2) for t in (self.query(normed), k, v))
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return x + functional.dropout(self.out(mixed.transpose(1, 2).flatten(-2)), 0.05, self.training)


class Layer(nn.Module):
    """Self-attention, attention to the source if `crossed`, feed-forward; normalised before each."""

    def __init__(self, *, crossed: bool) -> None:
        super().__init__()
        self.own = Attention()
        self.cross = Attention() if crossed else None
        self.norm = nn.LayerNorm(WIDTH)
        self.inner = nn.Linear(WIDTH, INNER)
        self.outer = nn.Linear(INNER, WIDTH)

    def forward(self, x: Tensor, mask: Tensor, memory: Tensor | None = None, seen: Tensor | None = None) -> Tensor:
        """One layer."""
        x = self.own(x, None, mask)
        if self.cross is not None:
            x = self.cross(x, memory, seen)
        return x + functional.dropout(self.outer(functional.relu(self.inner(self.norm(x)))), 0.05, self.training)


class Transformer(nn.Module):
    """Encoder and decoder with one embedding for source, target and output."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, WIDTH)
        nn.init.normal_(self.embedding.weight, std=WIDTH**-0.5)
        self.encoder = nn.ModuleList(Layer(crossed=False) for _ in range(LAYERS[0]))
        self.decoder = nn.ModuleList(Layer(crossed=True) for _ in range(LAYERS[1]))
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.register_buffer("positions", sinusoids())

    def embed(self, tokens: Tensor) -> Tensor:
        """Tokens to vectors, with their positions."""
        return self.embedding(tokens) * WIDTH**0.5 + self.positions[: tokens.shape[1]]

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits for the token after each of `target`."""
        seen = (source != PAD)[:, None, None, :]
        memory = self.embed(source)
        for layer in self.encoder:
            memory = layer(memory, seen)
        memory = self.encoder_norm(memory)
        past = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).tril()
        x = self.embed(target)
        for layer in self.decoder:
            x = layer(x, past, memory, seen)
        return functional.linear(self.decoder_norm(x), self.embedding.weight)


def export(model: Transformer, pieces: list[str], folder: Path) -> None:
    """Write the model for CTranslate2, in int8."""
    spec = TransformerSpec.from_config(LAYERS, HEADS)
    for side, layers, norm in (
        (spec.encoder, model.encoder, model.encoder_norm),
        (spec.decoder, model.decoder, model.decoder_norm),
    ):
        embeddings = side.embeddings[0] if isinstance(side.embeddings, list) else side.embeddings
        embeddings.weight = _array(model.embedding.weight)
        side.position_encodings.encodings = _array(model.positions)
        _norm(side.layer_norm, norm)
        for to, layer in zip(side.layer, layers, strict=True):
            _layer(to, layer)
    spec.decoder.projection.weight = _array(model.embedding.weight)
    spec.config.add_source_eos = True
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir()
    spec.save(str(folder))
    ctranslate2.Translator(str(folder), compute_type="default")


def _layer(to: object, layer: Layer) -> None:
    own = to.self_attention
    _norm(own.layer_norm, layer.own.norm)
    own.linear[0].weight = np.concatenate([_array(layer.own.query.weight), _array(layer.own.keys.weight)])
    own.linear[0].bias = np.concatenate([_array(layer.own.query.bias), _array(layer.own.keys.bias)])
    _linear(own.linear[1], layer.own.out)
    if layer.cross is not None:
        _norm(to.attention.layer_norm, layer.cross.norm)
        for place, linear in enumerate((layer.cross.query, layer.cross.keys, layer.cross.out)):
            _linear(to.attention.linear[place], linear)
    _norm(to.ffn.layer_norm, layer.norm)
    _linear(to.ffn.linear_0, layer.inner)
    _linear(to.ffn.linear_1, layer.outer)


def _norm(to: object, norm: nn.LayerNorm) -> None:
    to.gamma, to.beta = _array(norm.weight), _array(norm.bias)


def _linear(to: object, linear: nn.Linear) -> None:
    to.weight, to.bias = _array(linear.weight), _array(linear.bias)


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().float().numpy()
