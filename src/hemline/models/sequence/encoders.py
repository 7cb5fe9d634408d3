"""What joins a customer's latest purchases into one vector: exchangeable, and the same elsewhere.

Every encoder takes the vectors of the latest purchases, oldest first, and returns a vector of the
same width whose product with an article's vector is added to the logarithm of the article's share.

pool: a weighted mean; a purchase counts by its age. Knows no order.
gru: a gated recurrent unit over days (Cho et al. 2014; Hidasi et al. 2016); the purchases of a day
    are averaged first, because the till does not say in what order they were made.
attention: two blocks of self-attention over the purchases and a last place, "now" (Kang & McAuley
    2018; Vaswani et al. 2017). Only ages tell it about time, so it needs no order within a day.

kernels/sequence_rows.py computes the same without torch.
"""

from typing import Final, Literal

import torch
from torch import Tensor, nn

from hemline.models.sequence.training_baskets import N_AGES

EncoderName = Literal["pool", "gru", "attention"]
N_HEADS: Final = 2
N_BLOCKS: Final = 2


class PoolEncoder(nn.Module):
    """A mean of the purchases, weighted by their age, and a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight_of_age = nn.Parameter(torch.zeros(N_AGES))
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, ages: Tensor, days: Tensor) -> Tensor:
        """Return shape (rows, width); see `encode` for the arguments."""
        exists = days > 0
        weights = self.weight_of_age[ages].masked_fill(~exists, -torch.inf).softmax(dim=1)
        pooled: Tensor = self.out((weights.unsqueeze(2) * tokens).sum(dim=1))
        return pooled


class GruEncoder(nn.Module):
    """A GRU over the days on which something was bought, and a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gru = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, ages: Tensor, days: Tensor) -> Tensor:  # noqa: ARG002
        """Return shape (rows, width); see `encode` for the arguments."""
        exists = days > 0
        is_new = torch.ones_like(exists)
        is_new[:, 1:] = days[:, 1:] != days[:, :-1]
        step = (is_new & exists).cumsum(dim=1) - 1
        n_steps = step.max(dim=1).values + 1
        counts = exists.to(tokens.dtype)
        place = step.clamp_min(0)
        totals = torch.zeros_like(tokens).scatter_add(
            1, place.unsqueeze(2).expand_as(tokens), tokens * counts.unsqueeze(2)
        )
        n_bought = torch.zeros_like(counts).scatter_add(1, place, counts)
        means = totals / n_bought.clamp_min(1).unsqueeze(2)
        states, _ = self.gru(means)
        last = (n_steps - 1).view(-1, 1, 1).expand(-1, 1, states.shape[2])
        encoded: Tensor = self.out(states.gather(1, last).squeeze(1))
        return encoded


class AttentionEncoder(nn.Module):
    """Self-attention over the purchases and a place for now, whose vector is returned."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.now = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(_Block(width) for _ in range(N_BLOCKS))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, ages: Tensor, days: Tensor) -> Tensor:  # noqa: ARG002
        """Return shape (rows, width); see `encode` for the arguments."""
        now = self.now.expand(len(tokens), 1, -1)
        states = torch.cat([tokens, now], dim=1)
        exists = torch.cat([days > 0, days.new_ones(len(days), 1) > 0], dim=1)
        for block in self.blocks:
            states = block(states, exists)
        encoded: Tensor = self.out(self.norm(states[:, -1]))
        return encoded


Encoder = PoolEncoder | GruEncoder | AttentionEncoder


class _Block(nn.Module):
    """Attention and a feed-forward layer, each after a normalisation and beside a skip path."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm_in = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.norm_mid = nn.LayerNorm(width)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)

    def forward(self, states: Tensor, exists: Tensor) -> Tensor:
        rows, places, width = states.shape
        split = self.queries_keys_values(self.norm_in(states)).view(rows, places, 3, N_HEADS, -1)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mask = exists.view(rows, 1, 1, places)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        states = states + self.joined(attended.transpose(1, 2).reshape(rows, places, width))
        deeper: Tensor = states + self.down(torch.relu(self.up(self.norm_mid(states))))
        return deeper


def build_encoder(name: EncoderName, width: int) -> Encoder:
    """Return an untrained encoder."""
    if name == "pool":
        return PoolEncoder(width)
    return GruEncoder(width) if name == "gru" else AttentionEncoder(width)
