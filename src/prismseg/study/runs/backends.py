"""Where the runs of a study are worked on: processes of this machine, or a cluster, through joblib.

A backend is registered in `BACKENDS`; nothing else lists them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

from joblib import parallel_config

from prismseg.base import ConfigError
from prismseg.base.registry import Registry

Backend = Callable[[int | None, str | None], AbstractContextManager[dict[str, Any]]]
"""Makes joblib use it within a ``with`` block, given the number of jobs and an address; yields the arguments of
`joblib.Parallel`."""

BACKENDS: Final[Registry[Backend]] = Registry("backend")


@BACKENDS.register("loky")
@contextmanager
def use_processes(jobs: int | None, address: str | None) -> Iterator[dict[str, Any]]:
    """Use processes of this machine."""
    cores = os.cpu_count() or 1
    threads = max(1, cores // (jobs or cores))
    with warnings.catch_warnings(), parallel_config(backend="loky", inner_max_num_threads=threads):
        # A worker whose memory has grown is replaced, which loses nothing.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        yield _jobs(jobs)


@BACKENDS.register("ray")
@contextmanager
def use_ray(jobs: int | None, address: str | None) -> Iterator[dict[str, Any]]:
    """Use a Ray cluster."""
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise _not_installed("ray") from error
    register_ray()
    started = not ray.is_initialized()
    if started:
        ray.init(address=address, log_to_driver=False, include_dashboard=False)
    try:
        with parallel_config(backend="ray"):
            yield _jobs(jobs)
    finally:
        if started:
            ray.shutdown()


@BACKENDS.register("dask")
@contextmanager
def use_dask(jobs: int | None, address: str | None) -> Iterator[dict[str, Any]]:
    """Use a Dask cluster."""
    try:
        from distributed import Client
    except ImportError as error:
        raise _not_installed("dask") from error
    workers = {} if address else {"n_workers": jobs or os.cpu_count() or 1, "threads_per_worker": 1}
    with Client(address, **workers), parallel_config(backend="dask"):
        yield _jobs(jobs)


@BACKENDS.register("sequential")
@contextmanager
def use_this_process(jobs: int | None, address: str | None) -> Iterator[dict[str, Any]]:
    """Do one run after the other in the process that calls."""
    yield {"n_jobs": 1}


def _jobs(jobs: int | None) -> dict[str, Any]:
    return {"n_jobs": jobs or -1}


def _not_installed(backend: str) -> ConfigError:
    return ConfigError(
        f"The backend {backend} is not installed; install it with: pip install 'prismseg[cluster]'."
    )
