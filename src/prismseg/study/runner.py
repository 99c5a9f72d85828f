"""Do the runs of a study: on one machine or many, each once, whatever is cut on the way."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal

from joblib import Parallel, delayed, parallel_config

from prismseg.base import ConfigError, PrismsegError, progress_bar
from prismseg.study.grid import Run
from prismseg.study.kind import KINDS, Kind
from prismseg.study.provenance import Made, Provenance
from prismseg.study.store import Store

Backend = Literal["loky", "ray", "dask", "sequential"]
BACKENDS: tuple[Backend, ...] = ("loky", "ray", "dask", "sequential")
_ATTEMPTS = 3
_LOOK_EVERY = 1.0  # seconds


class WorkersLost(PrismsegError):
    """Worker processes died again and again."""


def execute(
    kind: str,
    runs: Sequence[Run],
    root: Path,
    *,
    backend: Backend = "loky",
    jobs: int | None = None,
    address: str | None = None,
    keep_stale: bool = False,
    show_progress: bool = True,
) -> Counter[str]:
    """Do what is not done yet, or was done with other data or code.

    Results lie in the store; they are the same whatever the backend.

    Parameters
    ----------
    kind : str
        What a run does.
    runs : sequence of Run
        From `prismseg.study.expand`.
    root : Path
        Folder of the study; on a cluster one that all machines see under this name.
    backend : {"loky", "ray", "dask", "sequential"}
        Processes of this machine, a Ray or a Dask cluster, or this process.
    jobs : int, optional
        Runs at a time; by default one a core (or what the cluster has).
    address : str, optional
        Of the Ray or Dask cluster; a local one is started without it.
    keep_stale : bool
        Leave runs as they are whose data, code or version have changed since.
    show_progress : bool
        Whether a bar is drawn.

    Returns
    -------
    Counter
        How many runs are done, failed, or running elsewhere.

    Raises
    ------
    ConfigError
        For a backend that does not exist or is not installed.
    WorkersLost
        When workers die three times over; what was finished is kept.
    """
    if backend not in BACKENDS:
        raise ConfigError(f"There is no backend {backend!r}; choose one of {', '.join(BACKENDS)}.")
    store = Store(root)
    provenance = Provenance(root)
    made = {run.key: provenance.of(KINDS[kind], run.settings) for run in runs}
    with _watched(store, runs, visible=show_progress), _cluster(backend, jobs, address) as options:
        for attempt in range(_ATTEMPTS):
            waiting = [
                run
                for run in runs
                if store.state(run) != "done" or (not keep_stale and store.stale(run, made[run.key]))
            ]
            try:
                Parallel(batch_size=1, **options)(
                    delayed(work)(KINDS[kind], run, str(root), made[run.key]) for run in waiting
                )
                break
            except (KeyboardInterrupt, PrismsegError):
                raise
            except Exception as error:
                # Each backend has its own error for a worker that was killed; what it had done is in the store.
                if attempt == _ATTEMPTS - 1:
                    raise WorkersLost(
                        f"Workers died {_ATTEMPTS} times ({type(error).__name__}: {str(error)[:200]}). What is finished "
                        "is kept; repeat the command, perhaps with fewer --jobs if memory is short."
                    ) from error
    return Counter(store.state(run) for run in runs)


def work(kind: Kind, run: Run, root: str, made: Made) -> None:
    """Do one run, unless it is done with these sources or another process works on it.

    A failure is written down and stops nothing.
    """
    store = Store(Path(root))
    with store.claim(run) as folder:
        if folder is None or ((folder / "done.json").exists() and not store.stale(run, made)):
            return
        start = time.perf_counter()
        try:
            table = kind.execute(run.settings, store.begin(run, made))
            store.finish(run, table, time.perf_counter() - start)
        except Exception as error:
            store.fail(run, error)


@contextmanager
def _cluster(backend: Backend, jobs: int | None, address: str | None) -> Iterator[dict[str, Any]]:
    """Make joblib use the backend; yield the arguments of `Parallel`."""
    opened: Callable[..., Any] = nullcontext
    options: dict[str, Any] = {"n_jobs": jobs or -1}
    if backend == "sequential":
        options = {"n_jobs": 1}
    elif backend == "loky":
        opened = parallel_config
    with (
        warnings.catch_warnings(),
        opened(**({"backend": "loky", "inner_max_num_threads": _threads(jobs)} if backend == "loky" else {})),
    ):
        # A worker whose memory has grown is replaced, which loses nothing and is no news.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        if backend == "ray":
            with _ray(address):
                yield options
        elif backend == "dask":
            with _dask(address, jobs):
                yield options
        else:
            yield options


def _threads(jobs: int | None) -> int:
    cores = os.cpu_count() or 1
    return max(1, cores // (jobs or cores))


@contextmanager
def _ray(address: str | None) -> Iterator[None]:
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise ConfigError(
            "The backend ray is not installed; install it with: pip install 'prismseg[cluster]'."
        ) from error
    register_ray()
    started = not ray.is_initialized()
    if started:
        ray.init(address=address, log_to_driver=False, include_dashboard=False)
    try:
        with parallel_config(backend="ray"):
            yield
    finally:
        if started:
            ray.shutdown()


@contextmanager
def _dask(address: str | None, jobs: int | None) -> Iterator[None]:
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigError(
            "The backend dask is not installed; install it with: pip install 'prismseg[cluster]'."
        ) from error
    workers = {} if address else {"n_workers": jobs or os.cpu_count() or 1, "threads_per_worker": 1}
    with Client(address, **workers), parallel_config(backend="dask"):
        yield


@contextmanager
def _watched(store: Store, runs: Sequence[Run], *, visible: bool) -> Iterator[None]:
    """Draw a bar from what is on the disk, which every backend and every other process writes alike."""
    stop = threading.Event()
    with progress_bar("runs", len(runs), start=_done(store, runs), visible=visible) as advance:

        def look() -> None:
            seen = -1
            while not stop.wait(_LOOK_EVERY):
                done = _done(store, runs)
                if done != seen:
                    seen = done
                    advance(done, "")

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            advance(_done(store, runs), "")


def _done(store: Store, runs: Sequence[Run]) -> int:
    return sum((store.folder(run) / mark).exists() for run in runs for mark in ("done.json", "failed.json"))
