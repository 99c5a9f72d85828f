"""Differences between what runs were made from are named."""

from prismseg.study.runs.provenance import UNKNOWN, Provenance, load_provenance, save_provenance


def test_version_and_code_are_named():
    before = {
        "software": "prismseg 1",
        "code": {"prismseg.evaluation.metrics": "a", "prismseg.x": "b"},
        "data": {},
    }
    now = Provenance("prismseg 2", {"prismseg.evaluation.metrics": "c", "prismseg.x": "b"}, {})
    assert now.changes_since(before) == ["version: prismseg 1, now prismseg 2", "code changed: evaluation.metrics"]
    assert now.changes_since(None) == [UNKNOWN]


def test_many_changes_are_counted():
    before = {"software": "prismseg 1", "code": {}, "data": {f"set/{n}.png": "a" for n in range(6)}}
    now = Provenance("prismseg 1", {}, {f"set/{n}.png": "b" for n in range(5)} | {"set/6.png": "a"})
    assert now.changes_since(before) == [
        "data changed: set/0.png, set/1.png, set/2.png and 2 more; new set/6.png; gone set/5.png"
    ]
    unreadable = Provenance("prismseg 1", {}, {}, "There is no folder.")
    assert unreadable.changes_since(before) == [], "what cannot be read is not called changed"


def test_it_is_written_once_and_read_again(tmp_path):
    one, same = (Provenance("prismseg 1", {"prismseg.x": "a"}, {"a.png": "b"}) for _ in range(2))
    facts = save_provenance(tmp_path, one)
    assert save_provenance(tmp_path, same) == facts and len(list((tmp_path / "made").iterdir())) == 1
    assert one.changes_since(load_provenance(tmp_path, facts)) == []
    assert load_provenance(tmp_path, {}) is None
