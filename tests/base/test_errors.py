from __future__ import annotations

import ast
import builtins
import errno
import inspect
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import prismseg
from prismseg.base import (
    ConfigError,
    ConfigNotFoundError,
    DataError,
    DataNotFoundError,
    Message,
    ModelError,
    ModelNotFoundError,
    OutputError,
    PrismsegError,
    atomic_path,
    errors,
    read_json,
    read_text,
    write_text,
)
from prismseg.data import open_dataset, read_image, read_legend

ROOT = Path(prismseg.__file__).parent
OURS = {
    name: kind for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PrismsegError)
}
# What these functions of `prismseg.base` raise.
RAISED_BY = {
    **dict.fromkeys(("make_folder", "atomic_path", "write_bytes", "write_text", "write_json"), (OutputError,)),
    **dict.fromkeys(("read_text", "read_json"), (ConfigError, ConfigNotFoundError)),
}


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (DataError, ValueError),
        (ConfigError, ValueError),
        (ModelError, ValueError),
        (OutputError, OSError),
        (DataNotFoundError, FileNotFoundError),
        (ConfigNotFoundError, FileNotFoundError),
        (ModelNotFoundError, FileNotFoundError),
        (DataNotFoundError, DataError),
        (ConfigNotFoundError, ConfigError),
        (ModelNotFoundError, ModelError),
    ],
)
def test_each_is_the_built_in_kind_that_fits(kind: type[PrismsegError], builtin: type[Exception]) -> None:
    message = Message("There is no file {path}.", path="a.png")
    with pytest.raises(builtin, match=r"^There is no file a\.png\.$") as caught:
        raise kind(message)
    error = caught.value
    assert isinstance(error, PrismsegError)
    assert error.message is message
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert again.message.template == message.template
    assert again.exit_code == 2


def test_a_wrong_value_is_no_missing_file() -> None:
    for kind in (DataError, ConfigError, ModelError):
        assert not issubclass(kind, OSError)
    assert not issubclass(OutputError, ValueError | FileNotFoundError)


def test_missing_files_are_file_not_found_errors(tmp_path: Path) -> None:
    for read in (read_text, read_json, read_image, read_legend, open_dataset):
        with pytest.raises(FileNotFoundError, match="no f") as caught:
            read(tmp_path / "gone.csv")  # type: ignore[operator]
        assert isinstance(caught.value, DataError | ConfigError)
    (tmp_path / "image.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_image(tmp_path / "image.png")
    (tmp_path / "image.npy").write_text("no array")
    with pytest.raises(DataError) as damaged:
        read_image(tmp_path / "image.npy")
    assert not isinstance(damaged.value, FileNotFoundError)


def test_an_error_raised_while_writing_keeps_its_words(tmp_path: Path) -> None:
    for error in (OutputError("The table is too large."), ConfigNotFoundError("There is no file settings.")):
        with pytest.raises(PrismsegError) as caught, atomic_path(tmp_path / "table.csv"):
            raise error
        assert caught.value is error
        assert caught.value.__cause__ is None
    with pytest.raises(OutputError, match="the disk is full") as wrapped, atomic_path(tmp_path / "table.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(wrapped.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


def test_an_unusable_legend_keeps_its_words(tmp_path: Path) -> None:
    legend = tmp_path / "legend.yaml"
    write_text(legend, "'1': nerve\n'2': ' '\n")
    with pytest.raises(ConfigError, match=r"cannot be used: 2 has no class name"):
        read_legend(legend)
    write_text(legend, "'1': [\n")
    with pytest.raises(ConfigError, match=r"cannot be read"):
        read_legend(legend)


def test_a_missing_part_of_a_data_set_keeps_its_words(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"There is no file .*dataset\.json"):
        open_dataset(tmp_path, layout="nnunet")
    write_text(
        tmp_path / "dataset.json", '{"channel_names": {"0": "red"}, "labels": {"background": 0, "nerve": 1}}'
    )
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "imagesTr" / "a_0000.png").touch()
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*labelsTr with the masks") as caught:
        open_dataset(tmp_path, layout="nnunet")
    assert isinstance(caught.value, DataNotFoundError)


def test_no_handler_of_a_built_in_kind_catches_errors_of_prismseg() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(ROOT.rglob("*.py"))
        for line in swallowing(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("body", "handlers", "caught"),
    [
        ("raise DataError('x')", "except ValueError: pass", True),
        ("raise DataError('x')", "except OSError: pass", False),
        ("raise DataNotFoundError('x')", "except (KeyError, OSError): pass", True),
        ("raise OutputError('x')", "except OSError: pass", True),
        ("if a: raise ConfigError('x')", "except ValueError as error: raise", True),
        ("write_text(a, b)", "except OSError: pass", True),
        ("with atomic_path(a) as b: c()", "except OSError: pass", True),
        ("write_text(a, b)", "except ValueError: pass", False),
        ("raise DataError('x')", "except DataError: raise\nexcept ValueError: pass", False),
        ("raise DataNotFoundError('x')", "except (KeyError, PrismsegError): raise\nexcept OSError: pass", False),
        ("raise DataError('x')", "except ConfigError: raise\nexcept ValueError: pass", True),
        ("raise ValueError('x')", "except ValueError: pass", False),
        ("raise DataError('x')", "except Exception: pass", False),  # caught these from the beginning
        ("def late(): raise DataError('x')", "except ValueError: pass", False),
    ],
)
def test_the_search_finds_what_it_should(body: str, handlers: str, caught: bool) -> None:
    assert bool(list(swallowing(f"try:\n    {body}\n{handlers}\n"))) is caught


def swallowing(source: str) -> Iterator[int]:
    """Lines of handlers of a built-in kind that catch what the block raises of `prismseg.base.errors`."""
    for statement in ast.walk(ast.parse(source)):
        if not isinstance(statement, ast.Try):
            continue
        raised = [kind for part in statement.body for kind in raises(part)]
        for handler in statement.handlers:
            kinds = kinds_of(handler)
            if any(issubclass(kind, caught) for kind in raised for caught in kinds if caught.__name__ not in OURS):
                yield handler.lineno
            raised = [kind for kind in raised if not issubclass(kind, kinds)]


def kinds_of(handler: ast.ExceptHandler) -> tuple[type[BaseException], ...]:
    """Those of ours and the built-in ones that are neither `Exception` nor above it."""
    listed = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    names = [ast.unparse(kind) for kind in listed if kind is not None]
    known = [OURS.get(name) or getattr(builtins, name, None) for name in names]
    return tuple(kind for kind in known if isinstance(kind, type) and not issubclass(Exception, kind))


def raises(node: ast.AST) -> Iterator[type[PrismsegError]]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield from RAISED_BY.get(node.func.id, ())
        if node.func.id in OURS:
            yield OURS[node.func.id]
    for child in ast.iter_child_nodes(node):
        yield from raises(child)


@pytest.mark.parametrize("kind", OURS.values())
def test_each_can_be_made_as_clusters_make_it(kind: type[PrismsegError]) -> None:
    """Dask and Ray unpickle errors of their workers with tblib, which makes an instance before it sets its arguments."""
    assert isinstance(kind.__new__(kind), kind)
