"""Do the runs of a study: on one machine or many, each once, whatever is cut on the way."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed

from prismseg.base import DataError, PrismsegError, progress_bar
from prismseg.study.definition.run import Run
from prismseg.study.kind import StudyKind
from prismseg.study.kinds import KINDS
from prismseg.study.runs.backends import BACKENDS
from prismseg.study.runs.provenance import Provenance
from prismseg.study.runs.sources import ProvenanceFinder
from prismseg.study.runs.store import RunStore
from prismseg.train import TrainingInterrupted

_ATTEMPTS = 3  # a worker that dies three times over does not die by chance
_POLL_SECONDS = 1.0


class WorkersLost(PrismsegError):
    """Worker processes died again and again."""


class StudyInterrupted(PrismsegError):
    """The user or the system asked the study to stop; what is finished is kept, and what was begun goes on."""

    exit_code = 130


def execute(
    kind: str,
    runs: Sequence[Run],
    root: str | Path,
    *,
    backend: str = "loky",
    jobs: int | None = None,
    address: str | None = None,
    keep_stale: bool = False,
    show_progress: bool = True,
) -> Counter[str]:
    """Do what is not done yet, or was done with other data or code; before it the runs that it needs first.

    Results lie in the `RunStore` at `root`; they are the same whatever the backend.

    Parameters
    ----------
    kind : str
        What a run does, one of `prismseg.study.KINDS`.
    runs : sequence of Run
        From `prismseg.study.expand`.
    root : str or Path
        Folder of the study; on a cluster one that all machines see under this name.
    backend : str
        One of `prismseg.study.BACKENDS`: processes of this machine, a Ray or a Dask cluster, or this process.
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
        For a kind or backend that does not exist, or a backend that is not installed.
    DataError
        When there is something to do and no run's data can be read; nothing is written then.
    WorkersLost
        When workers die three times over; what was finished is kept.
    StudyInterrupted
        When a training was asked to stop (Ctrl-C, SIGTERM), whose run is then cut and goes on the next time.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from prismseg.study import Study, expand
    >>> study = Study(title="Two widths", kind="kernel", base={"draws": 2}, grid={"outputs": {"outputs": [16, 64]}})
    >>> with TemporaryDirectory() as folder:
    ...     execute(study.kind, expand(study), folder, backend="sequential", show_progress=False)
    Counter({'done': 2})
    """
    use_backend, study_kind, store = BACKENDS[backend], KINDS[kind], RunStore(root)
    finder = ProvenanceFinder(root)
    sources = {run.key: finder.find(study_kind, run.settings) for run in runs}

    def is_current(run: Run) -> bool:
        return store.is_done(run) and (keep_stale or not store.changes(run, sources[run.key]))

    unreadable = [sources[run.key].unreadable for run in runs if not is_current(run)]
    if unreadable and all(unreadable):
        raise DataError(unreadable[0])

    needed = {run.key: study_kind.list_first(kind, run.settings) for run in runs if not is_current(run)}
    trials = list({trial.key: trial for first in needed.values() for trial in first}.values())
    sources |= {trial.key: finder.find(study_kind, trial.settings) for trial in trials}
    with _progress(store, [*trials, *runs], visible=show_progress), use_backend(jobs, address) as options:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                for stage in (trials, runs):
                    waiting = [run for run in stage if not is_current(run)]
                    Parallel(batch_size=1, **options)(
                        delayed(do_run)(study_kind, run, str(root), sources[run.key], needed.get(run.key, []))
                        for run in waiting
                    )
                break
            except TrainingInterrupted as error:
                raise StudyInterrupted(
                    "Stopped. What is finished is kept, and trainings that were begun go on where they were: repeat the "
                    "command."
                ) from error
            except (KeyboardInterrupt, PrismsegError):
                raise
            except Exception as error:
                # Each backend has its own error for a worker that was killed; what it had done is in the store.
                if attempt == _ATTEMPTS:
                    raise WorkersLost(
                        f"Workers died {_ATTEMPTS} times ({type(error).__name__}: {str(error)[:200]}). What is finished "
                        "is kept; repeat the command, with fewer --jobs if memory is short."
                    ) from error
    return Counter(store.state(run) for run in runs)


def do_run(
    kind: StudyKind[Any], run: Run, root: str | Path, provenance: Provenance, first: Sequence[Run] = ()
) -> None:
    """Do one run, unless it is done with these sources or another process works on it, or on one of the `first`.

    A failure is recorded and stops nothing; where one of the `first` has failed, so has this run. A request to stop is no
    failure: the run is cut.
    """
    store = RunStore(root)
    states = {trial.name: store.state(trial) for trial in first}
    if not set(states.values()) <= {"done", "failed"}:
        return
    with store.claim(run) as claimed:
        if not claimed or (store.is_done(run) and not store.changes(run, provenance)):
            return
        start = time.perf_counter()
        try:
            folder = store.begin(run, provenance)
            if failed := [trial for trial in first if states[trial.name] == "failed"]:
                raise DataError(f"The {failed[0].name}, which comes first, failed: {store.failure(failed[0])}")
            table = kind.execute(run.settings, folder, [store.results(trial) for trial in first])
            store.finish(run, table, time.perf_counter() - start)
        except TrainingInterrupted:
            raise
        except Exception as error:
            store.fail(run, error)


@contextmanager
def _progress(store: RunStore, runs: Sequence[Run], *, visible: bool) -> Iterator[None]:
    """Draw a bar from what is on the disk, which every backend and every other process writes alike."""
    stop = threading.Event()
    with progress_bar("runs", len(runs), start=store.count_ended(runs), visible=visible) as advance:

        def poll() -> None:
            shown = -1
            while not stop.wait(_POLL_SECONDS):
                ended = store.count_ended(runs)
                if ended != shown:
                    shown = ended
                    advance(ended, "")

        watcher = threading.Thread(target=poll, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            stop.set()
            watcher.join()
            advance(store.count_ended(runs), "")
