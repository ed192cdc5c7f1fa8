"""Tables that airsim writes: schemas with units and version, content hash, atomic write and read.

A table is a mapping from column name to a list of plain Python values, all of one length. Values
are quantised here, once, on the way out (1 s, 0.001 km, 0.1 kg, 1e-6 degree), so that equal runs
give equal bytes and runs on other machines equal values.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias

from airsim.base import InputError, Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULTS_VERSION = 1

Kind = Literal[
    "text", "int", "bool", "km", "nm", "min", "days", "kg", "degree", "money", "instant", "wkb"
]
Table = Mapping[str, Sequence[Any]]
# Files of a run under the names that they have while they are written.
_UNFINISHED = re.compile(r"\.[a-z_]+\.(?:parquet|csv|json|html|geojson)\.\w{8}")
_DECIMALS: dict[str, int] = {
    "km": 3, "nm": 3, "min": 1, "days": 2, "kg": 1, "degree": 6, "money": 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name (with its unit), kind and meaning. Lists of ids are space separated."""

    name: str
    kind: Kind
    doc: str


def _columns(*rows: tuple[str, Kind, str]) -> tuple[Column, ...]:
    return tuple(Column(*row) for row in rows)


SCHEMAS: dict[str, tuple[Column, ...]] = {
    "flights": _columns(
        ("flight_id", "text", "unique id of the flight in this run"),
        ("callsign", "text", "ATC callsign"),
        ("operator", "text", "ICAO designator of the operator"),
        ("adep", "text", "ICAO location indicator of departure"),
        ("ades", "text", "ICAO location indicator of destination"),
        ("eobt_utc", "instant", "estimated off-block time"),
        ("planned_at_utc", "instant", "when it was planned, on the law published by then"),
        ("typecode", "text", "ICAO type designator planned"),
        ("registration", "text", "tail assigned; empty if none"),
        ("seats", "int", "seats of the tail, or usual for the type"),
        ("scheduled", "bool", "scheduled service"),
        ("service", "text", "passenger cargo ferry ..."),
        ("probe", "bool", "a question, judged and drawn but never dispatched"),
        ("grade", "text", "of the timetable row: V read, v partial, K known, S synthetic"),
        ("outcome", "text", "direct detour fuel-stop needs-permit infeasible unknown"),
        ("lawful", "text", "yes no unknown: free of breaches by persons"),
        ("direct_km", "km", "WGS84 geodesic from departure to destination"),
        ("distance_km", "km", "length of the permitted route; empty if none"),
        ("block_min", "min", "block time"),
        ("fuel_kg", "kg", "block fuel"),
        ("stops", "text", "fuel stops, ICAO"),
        ("clearance_nm", "nm", "least distance from closed airspace, at most as asked"),
        ("blocking_rules", "text", "rules that leave no route, or bar an end"),
        ("breaches", "text", "rules addressed to persons that the flight breaks"),
        ("advisories", "text", "advisory rules met on the route"),
        ("permits", "text", "permits needed (rule ids)"),
        ("assumed", "text", "facts assumed, key=value"),
        ("not_judged", "text", "rules that lack a fact and changed nothing"),
        ("provisional", "bool", "verdict rests only on unverified rules"),
        ("status", "text", "flown returned diverted cancelled probe: what the simulation did"),
        ("landed_at", "text", "where it landed if not at its destination"),
        ("cause", "text", "why it was cancelled: law permit slot range aircraft unknown"),
        ("cancelled_by", "text", "rules for which it was cancelled"),
        ("flown_km", "km", "way flown, changes of plan in the air included"),
        ("flown_block_min", "min", "off-block to on-block as flown"),
        ("flown_fuel_kg", "kg", "fuel burnt as flown"),
        ("fuel_left_kg", "kg", "fuel left on landing; of several landings the least"),
        ("atot_utc", "instant", "simulated take-off"),
        ("aldt_utc", "instant", "simulated landing"),
        ("aibt_utc", "instant", "simulated on-block"),
        ("delay_min", "min", "off-block delay"),
        ("reason", "text", "one line in plain words"),
    ),
    "crossings": _columns(
        ("flight_id", "text", "flight"),
        ("seq", "int", "order along the route"),
        ("layer", "text", "territory fir zone"),
        ("designator", "text", "ISO alpha-2 for territory, ICAO for FIR, zone designator"),
        ("title", "text", "name of the airspace"),
        ("quality", "text", "published derived approximate national synthetic"),
        ("entry_km", "km", "distance along the route at entry"),
        ("exit_km", "km", "distance along the route at exit"),
        ("entry_utc", "instant", "time of entry as planned"),
        ("exit_utc", "instant", "time of exit as planned"),
        ("plan", "int", "0: planned on the ground; 1, 2, ...: after each change in the air"),
        ("entered", "bool", "entered on this plan, as the log says"),
        ("flown_km", "km", "length of what was flown of it; empty if the flight did not fly"),
        ("flown_min", "min", "time of what was flown of it"),
    ),
    "decisions": _columns(
        ("flight_id", "text", "flight"),
        ("seq", "int", "order"),
        ("phase", "text", "planned: law published at planning; met: law in force at the time"),
        ("activity", "text", "overflight landing take-off technical-stop ..."),
        ("layer", "text", "layer of the airspace; empty for a person's activity"),
        ("designator", "text", "airspace or aerodrome"),
        ("at_utc", "instant", "time judged"),
        ("outcome", "text", "PERMITTED FORBIDDEN NOT_PERMITTED ADVISED_AGAINST UNKNOWN BREACH"),
        ("rules", "text", "deciding rule ids"),
        ("references", "text", "instruments, joined by ' | '"),
    ),
    "events": _columns(
        ("seq", "int", "order of the log"),
        ("time_utc", "instant", "when"),
        ("event", "text", "kind of event"),
        ("flight_id", "text", "flight; empty if none"),
        ("registration", "text", "tail; empty if none"),
        ("detail", "text", "what happened"),
    ),
    "tails": _columns(
        ("registration", "text", "nationality and registration mark"),
        ("typecode", "text", "ICAO type designator"),
        ("flights", "int", "flights flown"),
        ("block_min", "min", "block time flown"),
        ("check_min", "min", "on the ground for checks, waiting for a bay included"),
        ("parts_min", "min", "on the ground for parts"),
        ("stranded_min", "min", "where a diversion left it, without a way on or home"),
        ("barred_min", "min", "of these, waiting for parts whose delivery the law barred"),
        ("period_min", "min", "length of the period"),
    ),
    "permits": _columns(
        ("rule_id", "text", "rule that asks for the permit"),
        ("authority", "text", "who was asked"),
        ("subject", "text", "callsign of a series, or flight"),
        ("asked_utc", "instant", "when it was asked for"),
        ("answered_utc", "instant", "when the answer came"),
        ("granted", "bool", "whether it was granted"),
        ("late", "bool", "whether the answer came after the lead time"),
    ),
    "groundings": _columns(
        ("registration", "text", "nationality and registration mark"),
        ("seq", "int", "order"),
        ("from_utc", "instant", "since when it could not fly"),
        ("to_utc", "instant", "when it could again"),
        ("cause", "text", "check parts stranded"),
        ("detail", "text", "which check, or by which channel the part came"),
        ("rules", "text", "rules that barred the delivery of the part"),
    ),
    "ranges": _columns(
        ("flight_id", "text", "flight that has a route, or lacks one for its range"),
        ("typecode", "text", "ICAO type designator"),
        ("nonstop_km", "km", "permitted way without a fuel stop; empty if there is none"),
        ("reach_km", "km", "longest route that the type flies with the payload carried"),
        ("margin_km", "km", "range less way without a stop"),
        ("payload_kg", "kg", "payload carried"),
        ("most_kg", "kg", "payload with which the type flies without a stop; empty: unknown"),
        ("left_kg", "kg", "what would have to stay behind for it; empty: unknown"),
        ("left_passengers", "int", "the same in passengers with bags"),
        ("stops", "text", "fuel stops planned, ICAO"),
        ("stop_km", "km", "length of the way with them"),
        (
            "mass_confidence",
            "text",
            "V read, K known but unverified, U estimate: the type's masses",
        ),
    ),
    "delays": _columns(
        ("flight_id", "text", "flight"),
        ("seq", "int", "order; one wait follows the other, from the hour of the timetable on"),
        ("from_utc", "instant", "since when it waited"),
        ("to_utc", "instant", "until when"),
        ("minutes", "min", "how long"),
        ("cause", "text", "aircraft permit closed slot"),
        ("detail", "text", "what it waited for"),
        ("rules", "text", "rules that made it wait"),
    ),
    "airspace_use": _columns(
        ("layer", "text", "territory fir zone; charging-zone: all FIRs of a State"),
        ("designator", "text", "as in crossings; of a charging zone the State"),
        ("title", "text", "name of the airspace"),
        ("flights", "int", "flights that entered it"),
        ("entries", "int", "entries, as in the log; of a charging zone passages as filed"),
        ("distance_km", "km", "flown in it; of a charging zone entry to exit as filed"),
        ("minutes", "min", "flown in it"),
        ("charges", "text", "charging zones: what is owed by tariffs read, by currency"),
        ("estimates", "text", "charging zones: beside it, by estimated tariffs (mark U)"),
        ("unpriced", "int", "charging zones: flight legs for which no tariff is known"),
    ),
    "charges": _columns(
        ("flight_id", "text", "flight that flew"),
        ("leg", "int", "leg between stops, from 0"),
        ("state", "text", "ISO alpha-2: all its FIRs are one charging zone"),
        ("passages", "int", "times that the last plan filed crosses it"),
        ("distance_km", "km", "great circle from entry to exit, added up over the passages"),
        ("ends_inside", "int", "take-off and landing inside"),
        ("amount", "money", "charge; empty: unknown, which is not free"),
        ("currency", "text", "ISO 4217"),
        ("tariff_year", "int", "first year of the figures"),
        ("mark", "text", "V read K known U estimate or default"),
        ("assumed", "bool", "a default, or figures of another year"),
        ("source", "text", "where the figures come from"),
    ),
    "authorities": _columns(
        ("authority", "text", "who gives permits"),
        ("flights", "int", "flights whose plan rests on a permit of theirs, or lacks it"),
        ("lead_days", "days", "longest lead time of its rules; empty if not known"),
        ("applications", "int", "asked for; 0 where permits are presumed"),
        ("granted", "int", "of these granted"),
        ("refused", "int", "of these refused"),
        ("late", "int", "answers that came after the lead time"),
        ("answer_days", "days", "from asking to the answer, mean"),
        ("longest_answer_days", "days", "from asking to the answer, longest"),
        ("longest_queue", "int", "most applications waiting for an answer at one time"),
    ),
    "network": _columns(
        ("period", "text", "month of the off-block time planned; all: the whole run"),
        ("flights", "int", "flights of the timetable, and of such going on after a diversion"),
        ("flown", "int", "landed at their destination"),
        ("elsewhere", "int", "turned back or diverted"),
        ("cancelled", "int", "never left"),
        ("ferries", "int", "flown home empty; they count in block time, way, fuel and charges"),
        ("late", "int", "left more than 15 min late"),
        ("delay_min", "min", "off-block delay of all that flew"),
        ("block_min", "min", "block time flown"),
        ("flown_km", "km", "way flown"),
        ("direct_km", "km", "great circles of all that flew"),
        ("detour_km", "km", "way flown beyond the great circle, of those that arrived"),
        ("fuel_kg", "kg", "fuel burnt"),
        ("co2_kg", "kg", "CO2, 3.16 kg per kg of fuel"),
        ("seats_offered", "int", "seats of all flights of the timetable"),
        ("seats_flown", "int", "seats of those that arrived"),
        ("charges", "text", "en-route charges by tariffs read, by currency"),
        ("estimates", "text", "beside it, by estimated tariffs (mark U)"),
        ("unpriced", "int", "legs through a State for which no tariff is known"),
    ),
    "cancellations": _columns(
        ("period", "text", "month of the off-block time planned; all: the whole run"),
        ("cause", "text", "law permit slot range aircraft unknown"),
        ("rule", "text", "rule; empty where none is named"),
        ("flights", "int", "flights cancelled for it; one may be cancelled for several rules"),
    ),
    "routes": _columns(
        ("flight_id", "text", "flight"),
        ("role", "text", "planned | direct"),
        ("seq", "int", "order of the point"),
        ("longitude", "degree", "WGS84"),
        ("latitude", "degree", "WGS84"),
    ),
    "closed": _columns(
        ("flight_id", "text", "flight for whom the airspace is closed"),
        ("layer", "text", "layer"),
        ("designator", "text", "airspace"),
        ("outcome", "text", "FORBIDDEN NOT_PERMITTED UNKNOWN ADVISED_AGAINST (if obeyed)"),
        ("rules", "text", "deciding rule ids"),
    ),
    "rules": _columns(
        ("rule_id", "text", "rule named anywhere in this run"),
        ("title", "text", "what it is"),
        ("authority", "text", "whose"),
        ("regime", "text", "body of rules it belongs to"),
        ("force", "text", "binding advisory operator-policy"),
        ("effect", "text", "prohibit require-permit permit"),
        ("addresses", "text", "airspace persons"),
        ("from_utc", "text", "start; 'a .. b' where vague"),
        ("to_utc", "text", "end; empty while open; 'a .. b' where vague"),
        ("instrument", "text", "legal instrument"),
        ("article", "text", "article"),
        ("url", "text", "where to read it"),
        ("confidence", "text", "V V* V-date read in a source; K known; U uncertain; synthetic"),
        ("last_evidence_utc", "text", "latest date for which a source was seen"),
        ("note", "text", "remark"),
    ),
    "fronts": _columns(
        ("flight_id", "text", "first flight of those that ask alike"),
        ("operator", "text", "ICAO designator of the operator"),
        ("adep", "text", "ICAO location indicator of departure"),
        ("ades", "text", "ICAO location indicator of destination"),
        ("typecode", "text", "ICAO type designator"),
        ("flights", "int", "how many ask alike"),
        ("rules", "text", "smallest set to lift: rules; all empty: as the law stands"),
        ("permits", "text", "rules whose permit is to be obtained"),
        ("advice", "text", "advice and policy to be put aside"),
        ("authorities", "text", "who would have to act"),
        ("distance_km", "km", "length of the way that the set opens"),
        ("block_min", "min", "block time"),
        ("fuel_kg", "kg", "block fuel"),
        ("stops", "text", "fuel stops, ICAO"),
        ("outcome", "text", "direct detour fuel-stop"),
        ("lawful", "text", "yes no unknown: free of breaches by persons"),
        ("complete", "bool", "false: the search was cut off"),
    ),
    "values": _columns(
        ("target", "text", "instrument, authority or rule, if it alone were lifted"),
        ("authorities", "text", "whose"),
        ("rules", "text", "its rules that stand in some way"),
        ("flights_opened", "int", "flights that could be made and cannot be now"),
        ("flights_shortened", "int", "flights that are made already and would be shorter"),
        ("saved_km", "km", "kilometres that these would save"),
        ("saved_block_min", "min", "block time that these would save"),
        ("saved_fuel_kg", "kg", "fuel that these would save"),
    ),
    "sequence": _columns(
        ("method", "text", "greedy: one step after another; best: of all choices of so many"),
        ("step", "int", "step of the sequence, or number of targets"),
        ("targets", "text", "lifted in this step, or together; joined by ' | '"),
        ("flights_opened", "int", "flights that could be made and cannot be now"),
        ("flights_shortened", "int", "flights that are made already and would be shorter"),
        ("saved_km", "km", "kilometres that these would save"),
        ("saved_block_min", "min", "block time that these would save"),
        ("saved_fuel_kg", "kg", "fuel that these would save"),
    ),
    "areas": _columns(
        ("layer", "text", "territory fir zone"),
        ("designator", "text", "airspace"),
        ("title", "text", "name"),
        ("quality", "text", "quality of the outline"),
        ("source", "text", "source of the outline"),
        ("geometry", "wkb", "outline in lon/lat, split at 180 degrees"),
    ),
}


# Columns of ``trajectories.parquet``, as the library `traffic` and its like read them.
TRAJECTORY_COLUMNS: dict[str, str] = {
    "timestamp": "UTC, milliseconds",
    "icao24": "transponder address; empty: not known",
    "callsign": "ATC callsign",
    "flight_id": "as in the table of flights",
    "registration": "tail; empty if none",
    "typecode": "ICAO type designator",
    "origin": "ICAO location indicator of departure",
    "destination": "ICAO location indicator of the destination planned",
    "latitude": "WGS84, degrees",
    "longitude": "WGS84, degrees",
    "altitude": "ft: pressure altitude, over aerodromes taken to lie at sea level",
    "groundspeed": "kt, in still air",
    "track": "degrees clockwise from true north",
    "vertical_rate": "ft/min",
}
Trajectories: TypeAlias = "Mapping[str, NDArray[Any]]"


@dataclass(frozen=True)
class Results:
    """Everything one run produced.

    Parameters
    ----------
    tables : mapping of str to Table
        By the names in `SCHEMAS`.
    summary : mapping
        JSON-ready answers of the run (counts, findings, before/after, sensitivity, limits).
    trajectories : mapping of str to ndarray, optional
        Columns named in `TRAJECTORY_COLUMNS`, `timestamp` in UTC milliseconds; not read back.
    """

    tables: Mapping[str, Table]
    summary: Mapping[str, Any] = field(default_factory=dict)
    trajectories: Trajectories | None = None

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Rows of a table as dictionaries."""
        table = self.tables[name]
        names = [column.name for column in SCHEMAS[name]]
        for values in zip(*(table[n] for n in names), strict=True):
            yield dict(zip(names, values, strict=True))

    @property
    def content_hash(self) -> str:
        """SHA-256 over all tables and the summary, independent of file formats."""
        digest = hashlib.sha256()
        for name in sorted(self.tables):
            digest.update(hash_table(name, self.tables[name]).encode())
        digest.update(json.dumps(self.summary, sort_keys=True).encode())
        return digest.hexdigest()


def make_table(name: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Turn rows into a quantised table in schema order.

    Raises
    ------
    KeyError
        A row lacks a column of the schema.
    """
    return {
        column.name: [_quantise(column.kind, row[column.name]) for row in rows]
        for column in SCHEMAS[name]
    }


def _quantise(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind in _DECIMALS:
        # + 0.0 turns -0.0 into 0.0: equal values must be equal bytes.
        return round(float(value), _DECIMALS[kind]) + 0.0
    if kind == "int":
        return int(value)
    if kind == "bool":
        return bool(value)
    return value


def hash_table(name: str, table: Table) -> str:
    """Canonical content hash of a table, independent of file format and library version."""
    digest = hashlib.sha256(name.encode())
    for column in SCHEMAS[name]:
        for value in table[column.name]:
            text = value.hex() if isinstance(value, bytes) else json.dumps(value)
            digest.update(text.encode() + b"\x1f")
        digest.update(b"\x1e")
    return digest.hexdigest()


@contextmanager
def open_atomic(path: Path, mode: str = "w", **options: Any) -> Iterator[IO[Any]]:
    """Open a temporary neighbour of `path`; rename it into place only if all went well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, mode, **options) as stream:
            yield stream
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with open_atomic(path, encoding="utf-8", newline="") as stream:
        stream.write(text)


def write_table(folder: Path, name: str, table: Table) -> None:
    """Write one table as ``name.parquet`` and, unless it holds geometry, ``name.csv``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, Callable[[], Any]] = {
        "int": pa.int64, "bool": pa.bool_, "wkb": pa.binary, "km": pa.float64, "nm": pa.float64,
        "min": pa.float64, "days": pa.float64, "kg": pa.float64, "degree": pa.float64,
        "money": pa.float64,
    }  # fmt: skip
    schema = pa.schema(
        [
            pa.field(
                c.name, types.get(c.kind, pa.string)(), metadata={"kind": c.kind, "doc": c.doc}
            )
            for c in SCHEMAS[name]
        ],
        metadata={"airsim_table": name, "airsim_results_version": str(RESULTS_VERSION)},
    )
    arrow = pa.table({c.name: list(table[c.name]) for c in SCHEMAS[name]}, schema=schema)
    with open_atomic(folder / f"{name}.parquet", "wb") as stream:
        pq.write_table(arrow, stream, compression="zstd")
    if any(c.kind == "wkb" for c in SCHEMAS[name]):
        return
    with open_atomic(folder / f"{name}.csv", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        names = [c.name for c in SCHEMAS[name]]
        writer.writerow(names)
        for row in zip(*(table[n] for n in names), strict=True):
            writer.writerow(_cell(value) for value in row)


def write_trajectories(path: Path, trajectories: Trajectories) -> None:
    """Write trajectories as Parquet that `traffic.core.Traffic.from_file` reads.

    Parameters
    ----------
    path : path
        A file with the suffix ``.parquet``.
    trajectories : mapping of str to ndarray
        Columns named in `TRAJECTORY_COLUMNS`, of one length.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = []
    for name, doc in TRAJECTORY_COLUMNS.items():
        kind = pa.string() if trajectories[name].dtype == object else pa.float64()
        kind = pa.timestamp("ms", tz="UTC") if name == "timestamp" else kind
        fields.append(pa.field(name, kind, metadata={"doc": doc}))
    schema = pa.schema(fields, metadata={"airsim_results_version": str(RESULTS_VERSION)})
    arrow = pa.table([pa.array(trajectories[f.name], f.type) for f in fields], schema=schema)
    with open_atomic(path, "wb") as stream:
        pq.write_table(arrow, stream, compression="zstd")


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def write_results(
    folder: Path, results: Results, *, render: Callable[[Results, Path], object] | None = None
) -> None:
    """Write a run, ``summary.json`` last: its presence says that all the rest is there and whole.

    Parameters
    ----------
    folder : path
        Made if missing. What an older run left there is replaced or removed.
    results : Results
    render : callable, optional
        Draws pages of the results into the folder.
    """
    # A run written over an older one must not borrow that one's summary, tables or pages.
    (folder / "summary.json").unlink(missing_ok=True)
    _sweep(folder)
    for name in SCHEMAS:
        if name in results.tables:
            write_table(folder, name, results.tables[name])
        else:
            for suffix in ("parquet", "csv"):
                (folder / f"{name}.{suffix}").unlink(missing_ok=True)
    if results.trajectories is not None:
        write_trajectories(folder / "trajectories.parquet", results.trajectories)
    if render is not None:
        render(results, folder)
    summary = {"results_version": RESULTS_VERSION, **results.summary}
    summary["content_hash"] = results.content_hash
    write_text(folder / "summary.json", json.dumps(summary, indent=2, sort_keys=True) + "\n")


def _sweep(folder: Path) -> None:
    """Remove what not every run writes, and what a run that was killed was about to rename."""
    for name in ("trajectories.parquet", "report.html", "routes.geojson"):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob(".*"):
        if _UNFINISHED.fullmatch(path.name):
            path.unlink(missing_ok=True)


def read_results(folder: Path | str) -> Results:
    """Read back what `write_results` wrote.

    Parameters
    ----------
    folder : path
        Folder of one run, with its ``summary.json``.

    Returns
    -------
    Results
        Tables by the names in `SCHEMAS`, quantised; empty tables are there with no rows.

    Raises
    ------
    InputError
        The folder holds no finished run, one of another version, or one that was changed since.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = Path(folder)
    try:
        summary = dict(json.loads((root / "summary.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise InputError(
            Problem(str(root), "summary.json", "no finished run here", "run `airsim run` first")
        ) from None
    if summary.pop("results_version", None) != RESULTS_VERSION:
        raise InputError(
            Problem(str(root), "summary.json", "written by another version of airsim", "run again")
        )
    written = summary.pop("content_hash", None)
    try:
        tables = {
            name: pq.read_table(root / f"{name}.parquet").to_pydict()
            for name in SCHEMAS
            if (root / f"{name}.parquet").exists()
        }
        results = Results(tables, summary)
        whole = results.content_hash == written
    except (OSError, KeyError, pa.ArrowException):  # a table cut short, or without a column
        whole = False
    if not whole:
        raise InputError(
            Problem(
                str(root), "summary.json", "does not match the tables: they were changed or mixed",
                "run again",
            )
        )  # fmt: skip
    return results
