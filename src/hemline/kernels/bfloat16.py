"""Products in bfloat16, for scanning the whole catalogue with many customers at once.

Where the processor multiplies bfloat16 itself (AVX-512 BF16, AMX) that takes half the time of
float32. A factor is off by one part in 512 at most, and so is the product, which torch returns in
bfloat16 too. `models.scoring` is told how far that can take a score and scores whoever it leaves
possible for good, so lists and scores stay the same to the bit. Without such instructions torch
imitates them, and BLAS is quicker.
"""

from typing import Final

import torch

from hemline.kernels.dense_topk import Matrix, Scan, row_lengths

_OUTPUT: Final = 2.0**-8  # one part in 512, and room for what adding up rounds


def multiplies_halves() -> bool:
    """Return whether this processor has instructions for bfloat16."""
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


class Halves:
    """The table of a `scoring.ScoreTable` in bfloat16.

    Args:
        vectors: float32 of shape (articles, width).
    """

    def __init__(self, vectors: Matrix) -> None:
        whole = torch.from_numpy(vectors)
        self.table = whole.bfloat16()
        self.longest = float(row_lengths(self.table.float().numpy()).max(initial=0))
        self.longest_lost = float(row_lengths((whole - self.table).numpy()).max(initial=0))

    def scan(self, customers: Matrix) -> Scan:
        """Return how customers, float32 of shape (customers, width), are multiplied with it."""
        whole = torch.from_numpy(customers)
        asking = whole.bfloat16()
        lost = row_lengths((whole - asking).numpy()) + _OUTPUT * row_lengths(asking.float().numpy())

        def multiply(tile: slice, products: Matrix) -> None:
            torch.from_numpy(products).copy_(torch.mm(asking, self.table[tile].T))

        return Scan(lost * self.longest + row_lengths(customers) * self.longest_lost, multiply)
