"""Where a trained network is: shipped with prismseg, in a folder, in the folder of a run, or on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from prismseg.base import ModelError, ModelNotFoundError
from prismseg.base.deprecation import renamed
from prismseg.nets.settings import SHIPPED

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"  # the files of a network
RUN_MODEL = "model"  # folder of the best network in the folder of a training run
RUN_CONFIG = "config.yaml"  # settings of a run; where it is, the run was begun
_PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_FOLDS = "fold-*"  # folders of the runs of a cross-validation


def list_folds(root: str | Path) -> list[Path]:
    """List the folders of the folds of a cross-validation below `root`, in order; empty where there are none."""
    folders = [path for path in Path(root).glob(_FOLDS) if (path / RUN_CONFIG).is_file()]
    return sorted(folders, key=lambda path: (len(path.name), path.name))


@renamed(path="source")
def find_model(source: str | Path) -> Path:
    """Find the folder of a network on this machine.

    A string that is the name of a shipped network means that network, so that no folder of that name can take its place
    unseen; write ``./NAME`` for the folder. A `Path` means the folder, where there is one.

    Parameters
    ----------
    source : str or path
        Name of a shipped network, folder of a network, or folder of a training run, whose best network is meant.

    Returns
    -------
    Path
        Folder that holds ``config.json`` and ``model.safetensors``.

    Raises
    ------
    ModelNotFoundError
        When there is none.
    ModelError
        When `source` is a cross-validation, whose folds have a network each.

    Examples
    --------
    >>> find_model("thermal-feet").name
    'thermal-feet'
    """
    if is_shipped(source):
        return SHIPPED[str(source)]
    path = Path(source)
    if (path / CONFIG).is_file():
        return path
    if (path / RUN_MODEL).is_dir():
        return path / RUN_MODEL
    if folds := list_folds(path):
        names = ", ".join(str(fold / RUN_MODEL) for fold in folds)
        raise ModelError(
            f"{path} is a cross-validation of {len(folds)} networks; name one of them: {names}; "
            "or make one of them all: prismseg ensemble."
        )
    if not path.is_dir():
        shipped = f" ({', '.join(SHIPPED)})" if len(SHIPPED) else ""
        raise ModelNotFoundError(
            f"There is no folder {source} with a network in it, nor a shipped network of that name{shipped}."
        )
    raise ModelNotFoundError(
        f"There is no trained network in {path}; name the folder of a run (it holds {RUN_MODEL}/) or of a network "
        f"(it holds {CONFIG} and {WEIGHTS}).{explain_pickles(path)}"
    )


def fetch_model(source: str | Path, revision: str | None = None) -> Path:
    """Find the folder of a network as `find_model` does, or download it from the Hugging Face hub.

    Parameters
    ----------
    source : str or path
        What `find_model` takes, or ``owner/name`` of a repository on the hub, where there is no such folder.
    revision : str, optional
        Branch, tag or commit of the repository.

    Raises
    ------
    ModelError
        When there is none.
    """
    if is_shipped(source) or not _may_be_on_the_hub(source):
        return find_model(source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(str(source), revision=revision, allow_patterns=[CONFIG, WEIGHTS, CARD]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise ModelNotFoundError(
            f"There is no folder {source}, and it could not be downloaded from the Hugging Face hub: "
            f"{str(error).splitlines()[0]}"
        ) from error


def is_shipped(source: str | Path) -> bool:
    """Whether `source` means a network that comes with prismseg or with a package that extends it."""
    return str(source) in SHIPPED and (isinstance(source, str) or not source.exists())


def _may_be_on_the_hub(source: str | Path) -> bool:
    """Whether the hub takes such a name; anything that looks more like a path is meant as one."""
    path = Path(source)
    return (
        len(path.parts) == 2 and not path.is_absolute() and not str(source).startswith(".") and not path.exists()
    )


def results_folder(source: str | Path) -> Path:
    """Folder in which results about a network lie by default.

    It is the folder of its run or cross-validation, else the one that the network's folder lies in; for a shipped
    network the current one.

    Raises
    ------
    ModelError
        When there is no such network.
    """
    if is_shipped(source):
        return Path()
    return Path(source) if list_folds(source) else find_model(source).parent


def explain_pickles(folder: Path) -> str:
    """Say why the pickled weights in `folder` are not loaded; empty where there are none."""
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
    return f" {', '.join(pickled)} could run code when loaded and is refused." if pickled else ""
