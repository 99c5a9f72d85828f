"""Finding a study by the name under which prismseg ships it, or by its file."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from prismseg.base import ConfigError, ConfigNotFoundError, OutputError, read_text, write_text
from prismseg.base.deprecation import renamed
from prismseg.study.definition.grid import count_runs
from prismseg.study.definition.nested import get_nested, set_nested
from prismseg.study.definition.study import Study, parse_study
from prismseg.study.kinds import KINDS

_FILES = Path(__file__).parents[1] / "files"
_MISSING = object()


@dataclass(frozen=True)
class ShippedStudy:
    """A study that is part of prismseg.

    Attributes
    ----------
    name : str
        Under which it is run.
    study : Study
        The whole study.
    runs, quick_runs : int
        Number of runs, and of those of its quick form.
    """

    name: str
    study: Study
    runs: int
    quick_runs: int


def list_studies() -> list[ShippedStudy]:
    """List the studies that are part of prismseg, by name.

    Examples
    --------
    >>> [(shipped.name, shipped.quick_runs) for shipped in list_studies() if shipped.study.kind == "kernel"]
    [('kernel', 48), ('kernel-sigma', 40)]
    """
    shipped = []
    for name in _shipped_names():
        study, quick = (parse_study(_FILES / f"{name}.yaml", quick=form) for form in (False, True))
        shipped.append(ShippedStudy(name, study, count_runs(study), count_runs(quick)))
    return shipped


def find_study(source: str | Path) -> Path:
    """Find the file of a study.

    A shipped name always means the shipped study, so that no file of that name can take its place unnoticed; write
    ``./NAME`` for the file.

    Parameters
    ----------
    source : str or Path
        Name of a study that is part of prismseg, see `list_studies`, or a YAML file.

    Raises
    ------
    ConfigNotFoundError
        When there is neither.

    Examples
    --------
    >>> find_study("kernel").name
    'kernel.yaml'
    """
    names = _shipped_names()
    if str(source) in names:
        return _FILES / f"{source}.yaml"
    path = Path(source)
    if path.is_file():
        return path
    if path.stem in names:
        hint = f"The study {path.stem} is part of prismseg: prismseg study run {path.stem}"
    else:
        close = get_close_matches(path.stem, names, n=1)
        hint = f"Studies that are part of prismseg: {', '.join(names)}.{f' Did you mean {close[0]}?' if close else ''}"
    raise ConfigNotFoundError(f"There is no study file {source}. {hint}")


@renamed(path="source")
def read_study(source: str | Path, *, quick: bool = False, data: str | Path | None = None) -> Study:
    """Read a study.

    Parameters
    ----------
    source : str or Path
        Name of a study that is part of prismseg, see `list_studies`, or a YAML file. Relative paths in it are meant from
        the working directory.
    quick : bool
        Take the quick form that the file describes.
    data : str or Path, optional
        Folder of the data, in place of the one that the file names.

    Returns
    -------
    Study

    Raises
    ------
    ConfigError
        When there is no such study, the file is none (the message names each wrong entry), it leaves its data open and
        none are given, or data are given to a study that reads none.

    Examples
    --------
    >>> read_study("kernel", quick=True).base["draws"]
    20
    >>> read_study("usgra", data="nerves").base["data"]["path"]
    'nerves'
    """
    study = parse_study(find_study(source), quick=quick)
    return _with_data(study, str(source), data)


def copy_study(name: str, target: str | Path | None = None) -> Path:
    """Copy the file of a study that is part of prismseg, to change it and run it.

    Parameters
    ----------
    name : str
        See `list_studies`.
    target : str or Path, optional
        The new file, or a folder for it; by default ``NAME.yaml`` in the working directory.

    Raises
    ------
    ConfigNotFoundError
        When there is no such study.
    OutputError
        When the file is there already.
    """
    source = find_study(name)
    path = Path(target or ".")
    if path.is_dir():
        path = path / source.name
    if path.exists():
        raise OutputError(f"There is a file {path} already; name another one.")
    return write_text(path, read_text(source))


def default_folder(source: str | Path, *, quick: bool = False) -> Path:
    """Folder in which a study is run where none is named.

    Examples
    --------
    >>> default_folder("kernel", quick=True).as_posix()
    'runs/study-kernel-quick'
    """
    return Path("runs") / f"study-{find_study(source).stem}{'-quick' if quick else ''}"


def _shipped_names() -> list[str]:
    return sorted(path.stem for path in _FILES.glob("*.yaml"))


def _with_data(study: Study, source: str, data: str | Path | None) -> Study:
    """Put the folder of the data into the setting of this kind."""
    kind = KINDS[study.kind]
    if data is None:
        if kind.data_setting and get_nested(study.base, kind.data_setting, _MISSING) is None:
            raise ConfigError(
                f"The study {source} needs data. {study.needs} Name their folder with --data FOLDER, or write it "
                f"into {kind.data_setting} of a file of your own (prismseg study copy)."
            )
        return study
    if not kind.data_setting:
        raise ConfigError(f"The study {source} reads no data; leave out --data.")
    if kind.simulation_setting and get_nested(study.base, kind.simulation_setting) is not None:
        raise ConfigError(
            f"The study {source} simulates its data. For data of your own, leave out {kind.simulation_setting} in a file "
            "of your own (prismseg study copy)."
        )
    base = copy.deepcopy(study.base)
    set_nested(base, kind.data_setting, str(data))
    return study.model_copy(update={"base": base})
