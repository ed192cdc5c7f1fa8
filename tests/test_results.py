"""Tables: quantised once, written whole or not at all, read back as they were."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airsim.base import InputError
from airsim.results import (
    RESULTS_VERSION,
    SCHEMAS,
    Results,
    Table,
    hash_table,
    make_table,
    open_atomic,
    read_results,
    write_results,
    write_table,
    write_text,
)

EXAMPLE: dict[str, Any] = {
    "text": "Zürich, \"ZRH\"\nand more", "int": 7, "bool": True, "km": 1.23456, "nm": 0.99951,
    "min": 12.34, "kg": 5_000.05, "degree": -179.12345678, "instant": "2025-09-15T08:00:00Z",
    "wkb": b"\x01\x02", "days": 2.345, "money": 17.005,
}  # fmt: skip


def row_of(name: str, **changes: Any) -> dict[str, Any]:
    return {column.name: EXAMPLE[column.kind] for column in SCHEMAS[name]} | changes


def some_results(**changes: Any) -> Results:
    tables = {name: make_table(name, [row_of(name), row_of(name)]) for name in SCHEMAS}
    tables["flights"] = make_table(
        "flights", [row_of("flights", distance_km=None, delay_min=None, **changes)]
    )
    return Results(tables, {"title": "Ein Flug", "findings": [{"rows": [1, 2.5, None]}]})


def files_below(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*")}


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    results = some_results()
    write_results(tmp_path, results)
    again = read_results(tmp_path)
    assert again.tables == results.tables
    assert again.summary == results.summary
    assert again.content_hash == results.content_hash
    (flight,) = again.rows("flights")
    assert (flight["distance_km"], flight["scheduled"]) == (None, True)
    assert flight["callsign"] == EXAMPLE["text"]


def test_empty_tables_are_tables(tmp_path: Path) -> None:
    results = Results({name: make_table(name, []) for name in SCHEMAS})
    write_results(tmp_path, results)
    again = read_results(tmp_path)
    assert again.tables == results.tables
    assert list(again.rows("crossings")) == []


def test_each_table_is_parquet_with_units_and_csv_unless_it_holds_shapes(tmp_path: Path) -> None:
    write_results(tmp_path, some_results())
    tables = {f"{name}.parquet" for name in SCHEMAS}
    sheets = {f"{name}.csv" for name in SCHEMAS if name != "areas"}
    assert files_below(tmp_path) == {*tables, *sheets, "summary.json"}
    schema = pq.read_schema(tmp_path / "crossings.parquet")
    assert schema.metadata[b"airsim_results_version"] == str(RESULTS_VERSION).encode()
    assert schema.field("entry_km").metadata[b"kind"] == b"km"
    with (tmp_path / "flights.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert (row["distance_km"], row["probe"], row["direct_km"]) == ("", "true", "1.235")
    assert row["callsign"] == EXAMPLE["text"]


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_columns_say_what_they_are(name: str) -> None:
    names = [column.name for column in SCHEMAS[name]]
    assert len(names) == len(set(names))
    for column in SCHEMAS[name]:
        assert column.doc
        unit = column.name.rsplit("_", 1)[-1]
        if unit in ("km", "nm", "min", "kg"):
            assert column.kind == unit, column.name
        assert (column.kind == "degree") is column.name.endswith(("longitude", "latitude"))


# -------------------------------------------------------------------------------- quantisation
@pytest.mark.parametrize(
    ("column", "value", "kept"),
    [
        ("direct_km", 1.23449, 1.234), ("direct_km", 1.23451, 1.235), ("block_min", 61.26, 61.3),
        ("fuel_kg", 5_000.06, 5_000.1), ("fuel_kg", None, None), ("clearance_nm", 0.99951, 1.0),
        ("scheduled", 1, True),
    ],
)  # fmt: skip
def test_values_are_quantised_on_the_way_out(column: str, value: object, kept: object) -> None:
    (found,) = make_table("flights", [row_of("flights", **{column: value})])[column]
    assert (found, type(found)) == (kept, type(kept))


def test_degrees_are_kept_to_a_tenth_of_a_metre_and_zero_has_no_sign() -> None:
    row = row_of("routes", longitude=-0.00000049, latitude=51.4775004)
    table = make_table("routes", [row])
    assert (str(table["longitude"][0]), table["latitude"][0]) == ("0.0", 51.4775)


def test_a_row_without_a_column_is_refused() -> None:
    row = row_of("events")
    del row["detail"]
    with pytest.raises(KeyError, match="detail"):
        make_table("events", [row])


# ---------------------------------------------------------------------------------------- hash
@settings(max_examples=60, deadline=None)
@given(
    km=st.floats(0, 20_000), noise=st.floats(-0.0001, 0.0001), text=st.text(max_size=8),
    other=st.text(max_size=8),
)  # fmt: skip
def test_the_hash_sees_content_only(km: float, noise: float, text: str, other: str) -> None:
    def table(km: float, text: str) -> Table:
        return make_table("flights", [row_of("flights", direct_km=km, reason=text)])

    near = round(km, 3)
    assert hash_table("flights", table(near, text)) == hash_table(
        "flights", table(near + noise, text)
    )
    if text != other:
        assert hash_table("flights", table(near, text)) != hash_table("flights", table(near, other))
    assert hash_table("flights", table(near, text)) != hash_table("flights", table(near + 1, text))


def test_the_hash_of_results_covers_tables_and_summary() -> None:
    base = some_results()
    assert base.content_hash == some_results().content_hash
    assert base.content_hash != some_results(outcome="detour").content_hash
    assert base.content_hash != Results(base.tables, {"title": "other"}).content_hash
    # The same cells in another table or row are another content.
    rows = [row_of("events", seq=1), row_of("events", seq=2)]
    assert hash_table("events", make_table("events", rows)) != hash_table(
        "events", make_table("events", rows[::-1])
    )


# ----------------------------------------------------------------------------------- atomicity
def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    with pytest.raises(RuntimeError), open_atomic(path) as stream:
        stream.write("half")
        raise RuntimeError
    assert list(path.parent.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), open_atomic(path) as stream:
        stream.write("new")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert files_below(tmp_path) == {"file.txt"}
    write_text(path, "new\n")
    assert path.read_bytes() == b"new\n"


def test_a_written_file_has_the_rights_of_any_other(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "x")
    (tmp_path / "b.txt").write_text("x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "b.txt").stat().st_mode


def test_a_table_with_a_bad_cell_is_not_written(tmp_path: Path) -> None:
    table = dict(make_table("events", [row_of("events")]))
    table["seq"] = ["not a number"]
    with pytest.raises(Exception, match="not a number"):
        write_table(tmp_path, "events", table)
    assert files_below(tmp_path) == set()


def test_a_run_that_failed_over_an_older_one_is_not_read_as_finished(tmp_path: Path) -> None:
    write_results(tmp_path, some_results())
    broken = some_results(outcome="detour")
    bad = dict(broken.tables["rules"], rule_id=[3, 4])
    with pytest.raises(TypeError):
        write_results(tmp_path, Results({**broken.tables, "rules": bad}, broken.summary))
    with pytest.raises(InputError, match="no finished run"):
        read_results(tmp_path)


def test_a_run_with_fewer_tables_leaves_none_of_an_older_one(tmp_path: Path) -> None:
    write_results(tmp_path, some_results())
    fewer = Results({"events": make_table("events", [row_of("events")])})
    write_results(tmp_path, fewer)
    assert read_results(tmp_path).content_hash == fewer.content_hash
    assert files_below(tmp_path) == {"events.parquet", "events.csv", "summary.json"}


@pytest.mark.parametrize("summary", [None, "{broken", '{"results_version": 99}'])
def test_what_is_no_finished_run_is_refused_with_a_remedy(tmp_path: Path, summary) -> None:
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    with pytest.raises(InputError) as caught:
        read_results(tmp_path)
    (problem,) = caught.value.problems
    assert (problem.record, bool(problem.remedy)) == ("summary.json", True)


def test_the_summary_carries_version_and_hash(tmp_path: Path) -> None:
    results = some_results()
    write_results(tmp_path, results)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary["results_version"] == RESULTS_VERSION
    assert summary["content_hash"] == results.content_hash
