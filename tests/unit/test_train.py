import json
import zipfile
from pathlib import Path

from pipelines.train import canonical


def archive(path: Path, saved: str, address: int, year: int) -> None:
    config = {"layers": [{"policy": {"shared_object_id": address}}, {"policy": {"shared_object_id": address + 8}}]}
    with zipfile.ZipFile(path, "w") as file:
        for name, data in (
            ("model.weights.h5", b"w"),
            ("config.json", json.dumps(config)),
            ("metadata.json", json.dumps({"date_saved": saved, "keras_version": "3"})),
        ):
            file.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), data)


def test_equal_models_saved_at_other_times_and_addresses_get_equal_bytes(tmp_path):
    first, second = tmp_path / "a.keras", tmp_path / "b.keras"
    archive(first, "2026-01-01", 140230758873168, 2001)
    archive(second, "2027-02-02", 140351153482000, 2002)
    canonical(first)
    canonical(second)
    assert first.read_bytes() == second.read_bytes()


def test_objects_that_were_shared_stay_shared_and_others_stay_apart(tmp_path):
    path = tmp_path / "a.keras"
    archive(path, "2026-01-01", 1000, 2001)
    canonical(path)
    with zipfile.ZipFile(path) as file:
        layers = json.loads(file.read("config.json"))["layers"]
        assert [layer["policy"]["shared_object_id"] for layer in layers] == [0, 1]
        assert json.loads(file.read("metadata.json")) == {"keras_version": "3"}
        assert file.read("model.weights.h5") == b"w"
