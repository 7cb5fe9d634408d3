"""Stages and models give the same bytes whatever code the libraries choose for the processor."""

import os
import subprocess
import sys

import pytest

from hemline import processor

OLD = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    "ATEN_CPU_CAPABILITY": "default",
    "OMP_NUM_THREADS": "2",
}
needs_avx2 = pytest.mark.skipif(not processor.has_avx2(), reason="the processor has no AVX2")

LIBRARIES = """
from hemline import stages
import numpy, scipy.linalg, threadpoolctl, torch
from numpy._core._multiarray_umath import __cpu_features__ as features
blas = {pool["architecture"] for pool in threadpoolctl.threadpool_info() if "architecture" in pool}
newer = [name for name in ("X86_V4", "AVX512_ICL", "AVX512_SPR") if features[name]]
print(*blas, newer, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads())
"""

FIT = """
import hashlib, numpy as np
from scipy import sparse
from hemline.data.histories import Histories
from hemline.models.als import AlsParams, fit_als
from hemline.models.ease import EaseParams, fit_ease
rng = np.random.default_rng(0)
days = rng.integers(1, 300, (900, 300)) * (rng.random((900, 300)) < 0.05)
days = sparse.csr_matrix(days, dtype=np.float32)
shop = Histories.from_interactions(sparse.csr_matrix(days > 0, dtype=np.float32), days_ago=days)
decay = dict(input_half_life_days=60, target_half_life_days=40, on_sale_days=28, shift=0.5)
als = fit_als(shop, AlsParams(**decay, factors=16, seed=1))
dense = fit_ease(shop, EaseParams(**decay, l2=20))
thin = fit_ease(shop, EaseParams(**decay, l2=20, max_articles=10, neighbours=20))
parts = [als.vectors, dense.weights, thin.weights.data, thin.weights.indices]
for model in (als, dense, thin):
    lists = model.recommend(shop, 12)
    parts += [lists.articles, lists.scores]
print(dense.name, thin.name, *(hashlib.sha256(part.tobytes()).hexdigest()[:12] for part in parts))
"""


def printed(code: str, environment: dict[str, str]) -> str:
    names = {*processor.PINNED, processor.NATIVE, "OMP_NUM_THREADS"}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=clean | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@needs_avx2
def test_a_stage_uses_what_all_processors_with_avx2_have_whatever_the_environment_says() -> None:
    assert printed(LIBRARIES, {}) == printed(LIBRARIES, OLD) == "Haswell [] AVX2 1"


def test_one_variable_gives_a_stage_all_that_the_processor_has() -> None:
    blas, *_, capability, n_threads = printed(LIBRARIES, OLD | {processor.NATIVE: "1"}).split()
    assert (blas, capability, n_threads) == ("Nehalem", "DEFAULT", "2")


def test_a_process_that_has_loaded_numpy_keeps_its_environment() -> None:
    before = dict(os.environ)
    assert not processor.pin()
    assert dict(os.environ) == before


def test_als_and_ease_have_the_same_bytes_with_other_kernels_and_threads() -> None:
    kernels = [
        {"OPENBLAS_CORETYPE": "Nehalem", "OMP_NUM_THREADS": "1"},
        {"OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "2"},
        OLD,
        *([{"OPENBLAS_CORETYPE": "Haswell"}] if processor.has_avx2() else []),
    ]
    assert len({printed(FIT, variables) for variables in kernels}) == 1
