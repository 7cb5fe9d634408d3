"""Products by numpy's BLAS are torch's, and so are their gradients."""

import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from hemline import processor
from hemline.models.cvae.blas_products import linear, same_everywhere


def random_parts() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(7)
    shapes = ((5, 3), (4, 3), (4,))
    return tuple(  # type: ignore[return-value]
        torch.randn(shape, dtype=torch.float64, generator=random, requires_grad=True)
        for shape in shapes
    )


def test_products_and_their_gradients_are_those_of_torch() -> None:
    parts = random_parts()
    expected = torch.nn.functional.linear(*parts)
    torch.testing.assert_close(linear(*parts), expected, rtol=1e-12, atol=1e-12)
    weights = torch.arange(20.0, dtype=torch.float64).reshape(5, 4)
    gradients = torch.autograd.grad((weights * linear(*parts)).sum(), parts)
    of_torch = torch.autograd.grad((weights * expected).sum(), parts)
    for gradient, other in zip(gradients, of_torch, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-12, atol=1e-12)


def test_a_view_and_an_empty_batch_are_multiplied_too() -> None:
    rows, table, bias = random_parts()
    columns = table.detach().T.contiguous()
    torch.testing.assert_close(linear(rows, columns.T, bias), linear(rows, table, bias))
    assert linear(rows[:0], table, bias).shape == (0, 4)


@pytest.mark.parametrize(("native", "n_threads"), [("0", 1), ("1", 3)])
def test_blas_has_one_thread_unless_the_processor_may_be_used_as_it_is(
    monkeypatch: pytest.MonkeyPatch, native: str, n_threads: int
) -> None:
    monkeypatch.setenv(processor.NATIVE, native)
    with threadpool_limits(3, "blas"), same_everywhere():
        used = {
            one["num_threads"] for one in threadpool_info() if one["internal_api"] == "openblas"
        }
    assert used == {n_threads}
