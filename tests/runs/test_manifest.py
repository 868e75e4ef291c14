import json

from colourize.runs import manifest


def test_an_update_adds_and_a_write_replaces(tmp_path):
    manifest.write(tmp_path, status="failed", error="old")
    manifest.update(tmp_path, end="now")
    assert manifest.read(tmp_path) == {"status": "failed", "error": "old", "end": "now"}
    manifest.write(tmp_path, status="running")
    assert manifest.read(tmp_path) == {"status": "running"}
    assert [file.name for file in tmp_path.iterdir()] == ["run.json"]


def test_nan_and_infinity_become_null(tmp_path):
    manifest.write(tmp_path, metrics={"val/loss": float("nan"), "val/accuracy": 0.5}, best=float("inf"))
    plain = json.loads((tmp_path / "run.json").read_text(), parse_constant=lambda word: 1 / 0)
    assert plain == {"metrics": {"val/loss": None, "val/accuracy": 0.5}, "best": None}


def test_entries_of_a_wrong_type_are_left_out_and_logged(tmp_path, caplog):
    stored = {"status": 1, "overrides": ["a=1", 2], "config": None, "starts": 2, "pruned": True, "own": [1]}
    (tmp_path / "run.json").write_text(json.dumps({**stored, "refused": {"status": None, "error": "no"}}))
    refused = {"status": "failed", "overrides": [], "error": "no"}
    assert manifest.read(tmp_path) == {"starts": 2, "pruned": True, "own": [1], "refused": refused}
    assert [record.getMessage().split()[1] for record in caplog.records] == ["status", "overrides"]


def test_a_missing_manifest_is_empty_and_not_logged(tmp_path):
    assert manifest.read(tmp_path) == {}
