"""Tables in CSV and Parquet: what columns hold, what is told of cells that cannot be learned from, and where."""

import csv
import io
import json
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from weighbridge.errors import DataError, FormatError, LimitError, UsageError
from weighbridge.learn.data import Like, load
from weighbridge.learn.data.preparing.tables import TablePreparation
from weighbridge.learn.data.rows import rows_of, unseen
from weighbridge.learn.data.sources import csv_table, parquet_table
from weighbridge.learn.recipe import DataSpec

HEADER = ["length", "colour", "weight", "class"]


def fish(count=40, seed=0):
    rng = np.random.default_rng(seed)
    colours = ["red", "silver, mottled", "grün"]
    return [
        [f"{rng.normal(20, 5):.3f}", colours[rng.integers(3)], str(rng.integers(1, 9)), "trout" if n % 2 else "carp"]
        for n in range(count)
    ]


def write(folder, rows, header=HEADER, name="fish.csv", **options):
    with (folder / name).open("w", newline="", encoding=options.pop("encoding", "utf-8")) as stream:
        csv.writer(stream, **options).writerows([header, *rows])
    return folder / name


def read(folder, path="fish.csv", **spec):
    return load(DataSpec.model_validate({"path": path, **spec}), where=folder)


def refusal(folder, error=DataError, **spec):
    with pytest.raises(error) as told:
        read(folder, **spec)
    return f"{told.value} {told.value.hint}"


def all_of(part):
    return part.batch(np.arange(len(part)))["features"]


def test_numbers_are_standardised_and_categories_are_ones(tmp_path):
    rows = fish()
    write(tmp_path, rows)
    splits = read(tmp_path)
    assert splits.facts.columns[:2] == ("length", "weight")
    assert set(splits.facts.columns[2:]) == {f"colour={row[1]}" for row in rows}
    assert (splits.facts.kind, splits.facts.task, splits.facts.classes) == (
        "table",
        "classification",
        ("carp", "trout"),
    )
    features = all_of(splits.train)
    numbers = np.array([[float(row[0]), float(row[2])] for row in rows])
    assert np.allclose(features[:, :2], (numbers - numbers.mean(0)) / numbers.std(0), atol=1e-5)
    values = [name.partition("=")[2] for name in splits.facts.columns[2:]]
    assert np.array_equal(features[:, 2:], [[row[1] == value for value in values] for row in rows])
    assert splits.train.targets.tolist() == [n % 2 for n in range(40)]
    kept = TablePreparation.from_json({k: v for k, v in splits.preparation.items() if k != "kind"})
    assert TablePreparation.from_json(json.loads(json.dumps(kept.as_json()))) == kept


def test_parquet_reads_as_the_same_table(tmp_path):
    rows = fish()
    write(tmp_path, rows)
    columns = {
        "length": pa.array([float(row[0]) for row in rows]),
        "colour": pa.array([row[1] for row in rows]).dictionary_encode(),
        "weight": pa.array([int(row[2]) for row in rows], pa.int16()),
        "class": pa.array([row[3] for row in rows]),
    }
    pq.write_table(pa.table(columns), tmp_path / "fish.parquet", row_group_size=7)
    one, other = read(tmp_path), read(tmp_path, "fish.parquet")
    assert one.digest == other.digest
    assert one.preparation == other.preparation
    assert np.array_equal(all_of(one.train), all_of(other.train))


@pytest.mark.parametrize("between", [";", "\t", "|"])
def test_other_separators_and_a_byte_order_mark(tmp_path, between):
    write(tmp_path, fish(), delimiter=between, encoding="utf-8-sig")
    assert len(read(tmp_path).facts.columns) == 5


def test_blocks_meet_at_no_row(tmp_path, monkeypatch):
    rows = fish(50)
    write(tmp_path, rows)
    whole = read(tmp_path)
    monkeypatch.setattr(csv_table, "_BLOCK", 7)
    assert read(tmp_path).digest == whole.digest


@pytest.mark.parametrize(
    ("row", "column", "cell", "told"),
    [
        (4, 0, "about 20", r"fish.csv:6: column 'length' holds 'about 20', and a number belongs there"),
        (4, 0, "inf", r"fish.csv:6: column 'length' holds 'inf'"),
        (9, 2, "", "fish.csv:11: column 'weight' misses its value"),
        (9, 2, "NaN", "fish.csv:11: column 'weight' misses its value"),
        (3, 1, "", "fish.csv:5: column 'colour' misses its value"),
        (0, 3, "", "fish.csv:2: column 'class' misses its value"),
    ],
)
def test_cells_that_cannot_be_learned_from_are_told_with_file_line_and_column(tmp_path, row, column, cell, told):
    rows = fish()
    rows[row][column] = cell
    write(tmp_path, rows)
    assert told in refusal(tmp_path)


def test_a_row_after_a_cell_of_several_lines_is_told_by_its_own_line(tmp_path):
    rows = fish()
    rows[2][1] = "red\nand\nblue"
    rows[5][0] = "x"
    write(tmp_path, rows)
    assert "fish.csv:9: column 'length'" in refusal(tmp_path)


def test_rows_with_gaps_can_be_removed(tmp_path):
    rows = fish()
    rows[3][0], rows[7][1], rows[9][3] = "?", "", ""
    write(tmp_path, rows)
    assert "so do 2 rows more" in refusal(tmp_path)
    splits = read(tmp_path, missing="remove")
    assert len(splits.train) == 37
    assert [notice.text for notice in splits.notices if notice.code == "data.missing"] == [
        "3 of 40 rows miss a value and were removed."
    ]
    write(tmp_path, [row for at, row in enumerate(rows) if at not in (3, 7, 9)], name="whole.csv")
    assert read(tmp_path, "whole.csv").digest == splits.digest


def test_what_a_column_holds_can_be_said(tmp_path):
    write(tmp_path, fish())
    assert "weight=3" in read(tmp_path, columns={"weight": "category"}).facts.columns
    assert read(tmp_path, columns={"colour": "ignore"}).facts.columns == ("length", "weight")
    assert read(tmp_path, inputs=["weight"]).facts.columns == ("weight",)
    assert "and a number belongs there" in refusal(tmp_path, columns={"colour": "number"})
    assert "no column 'wieght' (did you mean 'weight'?)" in refusal(tmp_path, columns={"wieght": "ignore"})
    assert "no column 'colours' (did you mean 'colour'?)" in refusal(tmp_path, inputs=["colours"])
    assert "is the target, and an input too" in refusal(tmp_path, inputs=["class"], target="class")


@pytest.mark.parametrize("given", [{"columns": {"x": "category"}}, {"missing": "remove"}])
def test_what_is_for_tables_alone_is_not_passed_over_elsewhere(tmp_path, given):
    np.savez(tmp_path / "a.npz", x=np.arange(12.0).reshape(6, 2), y=[0, 1] * 3)
    assert "are for tables of named columns, and this is npz" in refusal(tmp_path, path="a.npz", **given)


def test_a_column_without_a_name_is_no_input(tmp_path):
    write(tmp_path, [[n, *row] for n, row in enumerate(fish())], ["", *HEADER])
    splits = read(tmp_path)
    assert len(splits.facts.columns) == 5
    assert [notice.code for notice in splits.notices] == ["data.unnamed"]


def test_numbers_too_large_to_standardise_are_told(tmp_path):
    write(tmp_path, [["1e200", 0], ["-1e200", 1], ["3", 1]], ["a", "label"])
    assert "column 'a' holds numbers too large" in refusal(tmp_path)


def test_texts_that_tell_rows_apart_are_not_learned_from(tmp_path):
    write(tmp_path, [[*row[:3], row[3], f"fish {n}"] for n, row in enumerate(fish())], [*HEADER, "name"])
    assert "column 'name' holds 40 different texts in 40 rows" in refusal(tmp_path)
    assert len(read(tmp_path, columns={"name": "ignore"}).facts.columns) == 5
    assert len(read(tmp_path, columns={"name": "category"}).facts.columns) == 45


def test_targets_by_name_and_numbers(tmp_path):
    write(tmp_path, fish())
    splits = read(tmp_path, target="length")
    assert splits.facts.task == "regression"
    assert splits.train.targets.dtype == np.float32
    assert read(tmp_path, target="weight", task="classification").facts.classes == tuple("12345678")
    write(tmp_path, fish(), ["a", "b", "c", "d"])
    assert "the columns are a, b, c, d" in refusal(tmp_path)


def test_files_and_a_column_say_the_split(tmp_path):
    (tmp_path / "two").mkdir()
    write(tmp_path / "two", fish(20), name="train.csv")
    write(tmp_path / "two", fish(10, seed=1), name="test.csv")
    splits = read(tmp_path, "two")
    assert (len(splits.train), len(splits.test)) == (20, 10)
    rows = [[*row, "dev" if n > 29 else "train"] for n, row in enumerate(fish())]
    write(tmp_path, rows, [*HEADER, "fold"])
    splits = read(tmp_path, split={"column": "fold"})
    assert (len(splits.train), len(splits.validation), len(splits.facts.columns)) == (30, 10, 5)
    rows[2][4] = "elsewhere"
    write(tmp_path, rows, [*HEADER, "fold"])
    assert "fish.csv:4: column 'fold' is 'elsewhere'" in refusal(tmp_path, split={"column": "fold"})


def test_other_data_is_read_as_the_model_learned_whatever_the_order_of_columns(tmp_path):
    write(tmp_path, fish())
    splits = read(tmp_path, columns={"weight": "category"})
    rows = fish(12, seed=3)
    order = [3, 2, 1, 0]
    write(tmp_path, [["", *(row[at] for at in order)] for row in rows], ["id", *(HEADER[at] for at in order)], "b.csv")
    write(tmp_path, rows, name="a.csv")
    like = Like(splits.facts, splits.preparation)
    given = {"columns": {"weight": "category"}}
    one, other = (load(DataSpec(path=name, **given), where=tmp_path, like=like) for name in ("a.csv", "b.csv"))
    assert np.array_equal(all_of(one.test), all_of(other.test))
    write(tmp_path, [row[1:] for row in rows], HEADER[1:], "c.csv")
    with pytest.raises(DataError, match="no column 'length'"):
        load(DataSpec(path="c.csv"), where=tmp_path, like=like)


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("", FormatError, "has no first line"),
        ("1,2\n3,4\n", FormatError, "the first line holds numbers"),
        ("a,a,class\n1,2,x\n", FormatError, "two columns are called 'a'"),
        ("a,class\n1,x\n2\n", FormatError, r"t.csv:3: has 1 cells, and there are 2 columns"),
        ('a,class\n1,"x\n2,y\n', FormatError, r"t.csv:2: is no row of a table"),
        ("a,class\n1,\xff\n".encode("latin-1"), FormatError, "not UTF-8 text: byte 0xff after line"),
        ("a,b,class\n1,,x\n2,,y\n", DataError, "column 'b' is empty in every row"),
        ("class\nx\ny\n", DataError, "has no column to learn from"),
        ("a,class\n", DataError, "holds no samples"),
    ],
)
def test_bad_files_are_told(tmp_path, text, error, told):
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(error, match=told):
        load(DataSpec(path="t.csv", target="class"), where=tmp_path)


def test_lines_without_end_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_table, "MAX_LINE", 1000)
    (tmp_path / "t.csv").write_text("a,class\n" + "1" * 5000)
    with pytest.raises(LimitError, match=r"t\.csv:2"):
        load(DataSpec(path="t.csv"), where=tmp_path)


@pytest.mark.parametrize("damage", ["cut", "empty", "text"])
def test_damaged_parquet_is_told(tmp_path, damage):
    pq.write_table(pa.table({"a": list(range(1000)), "label": [0, 1] * 500}), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes({"cut": whole[:-40], "empty": b"", "text": b"a,b\n1,2\n" * 9}[damage])
    with pytest.raises(FormatError, match=r"t\.parquet: is no Parquet file"):
        load(DataSpec(path="t.parquet"), where=tmp_path)


def test_damaged_pages_of_parquet_are_told_or_read_but_never_a_traceback(tmp_path):
    table = pa.table({"a": np.random.default_rng(0).normal(size=500), "label": [0, 1] * 250})
    pq.write_table(table, tmp_path / "t.parquet", write_page_checksum=True)
    whole = (tmp_path / "t.parquet").read_bytes()
    told = 0
    for at in range(8, 3000, 97):
        (tmp_path / "t.parquet").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            load(DataSpec(path="t.parquet"), where=tmp_path)
        except (DataError, FormatError):
            told += 1
    assert told > 0


@pytest.mark.parametrize(("promised", "told"), [(300, "300 rows, and its footer says 400"), (500, "500 rows or more")])
def test_a_footer_that_miscounts_the_rows_is_told(tmp_path, monkeypatch, promised, told):
    """Damage that Arrow reads on past: a column then has other rows than the file says."""
    pq.write_table(pa.table({"a": list(range(promised)), "label": [0, 1] * (promised // 2)}), tmp_path / "t.parquet")
    opened = parquet_table._opened

    class Miscounted:
        def __init__(self, path):
            self.file = opened(path)
            self.metadata, self.iter_batches = SimpleNamespace(num_rows=400), self.file.iter_batches

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

    table = parquet_table.ParquetFile.of(tmp_path / "t.parquet")
    monkeypatch.setattr(parquet_table, "_opened", Miscounted)
    with pytest.raises(FormatError, match=told):
        list(table.blocks(("a", "label")))


def test_parquet_types_that_are_no_features_are_told(tmp_path):
    columns = {"when": pa.array([1, 2, 3, 4], pa.timestamp("s")), "a": [1.0, 2, 3, 4], "label": [0, 1, 0, 1]}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert "column 'when' is of type timestamp[" in refusal(tmp_path, path="t.parquet")
    assert len(read(tmp_path, "t.parquet", columns={"when": "ignore"}).train) == 4
    columns["a"] = [1.0, None, float("inf"), 4.0]
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert "t.parquet, row 1: column 'a' misses" in refusal(tmp_path, path="t.parquet", inputs=["a"])
    assert "holds inf" in refusal(tmp_path, path="t.parquet", inputs=["a"], missing="remove")


def png(value):
    stream = io.BytesIO()
    Image.fromarray(np.full((6, 6), value, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def test_pictures_and_class_names_as_a_hub_has_them(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet_table, "_PICTURES", 3)
    pictures = [{"bytes": png(n), "path": f"{n}.png"} for n in range(10)]
    names = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    table = pa.table({"image": pictures, "label": [0, 1] * 5})
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), tmp_path / "train.parquet")
    splits = read(tmp_path, "train.parquet")
    assert (splits.facts.kind, splits.facts.classes, splits.facts.shape) == ("image", ("cat", "dog"), (1, 6, 6))
    assert splits.train.targets.tolist() == [0, 1] * 5
    pictures[4] = {"bytes": b"no picture", "path": "4.png"}
    pq.write_table(pa.table({"image": pictures, "label": [0, 1] * 5}), tmp_path / "train.parquet")
    assert "train.parquet, row 4: is no image" in refusal(tmp_path, FormatError, path="train.parquet")
    pictures[4] = {"bytes": None, "path": "4.png"}
    pq.write_table(pa.table({"image": pictures, "label": [0, 1] * 5}), tmp_path / "train.parquet")
    assert "row 4: column 'image' holds no picture" in refusal(tmp_path, path="train.parquet")


def test_texts_in_a_column(tmp_path):
    rows = [[f"text {n} é,\n more", n % 2] for n in range(12)]
    write(tmp_path, rows, ["text", "label"])
    pq.write_table(pa.table({"text": [row[0] for row in rows], "label": [row[1] for row in rows]}), tmp_path / "t.pq")
    for name in ("fish.csv", "t.pq"):
        splits = read(tmp_path, name)
        assert (splits.facts.kind, splits.facts.classes) == ("text", ("0", "1"))
        assert [splits.train.raw(at) for at in range(12)] == [row[0] for row in rows]
        assert read(tmp_path, name, task="language").facts.task == "language"


class TestRowsToAsk:
    """What `weigh predict` takes."""

    @pytest.fixture
    def prepared(self, tmp_path):
        write(tmp_path, fish())
        splits = read(tmp_path)
        return TablePreparation.from_json({k: v for k, v in splits.preparation.items() if k != "kind"})

    def test_files_and_json_are_the_same_rows(self, prepared, tmp_path):
        rows = fish(6, seed=5)
        write(tmp_path, [[row[2], row[0], row[1]] for row in rows], ["weight", "length", "colour"], "ask.csv")
        objects = [{"colour": row[1], "length": float(row[0]), "weight": int(row[2])} for row in rows]
        (tmp_path / "ask.json").write_text(json.dumps(objects))
        (tmp_path / "ask.jsonl").write_text("\n".join(map(json.dumps, objects)))
        pq.write_table(pa.Table.from_pylist(objects), tmp_path / "ask.parquet")
        given = [*(str(tmp_path / f"ask.{end}") for end in ("csv", "json", "jsonl", "parquet")), json.dumps(objects)]
        found = [prepared.finish(rows_of(each, prepared), np.arange(6)) for each in given]
        assert all(np.array_equal(found[0], each) for each in found[1:])
        one = rows_of(json.dumps(objects[0]), prepared)
        assert np.array_equal(prepared.finish(one, np.arange(1)), found[0][:1])

    @pytest.mark.parametrize(
        ("given", "error", "told"),
        [
            ('{"length": 3, "colour": "red"}', DataError, "has no 'weight'"),
            ('{"lenght": 3, "colour": "red", "weight": 1}', DataError, "has no 'length' .*'lenght'"),
            ('{"length": "long", "colour": "red", "weight": 1}', DataError, "'length' holds 'long'"),
            ('{"length": null, "colour": "red", "weight": 1}', DataError, "'length' misses its value"),
            ('{"length": [1], "colour": "red", "weight": 1}', DataError, "'length' is a list"),
            ('{"length": 1' + "0" * 400 + ', "colour": "red", "weight": 1}', DataError, "308 digits"),
            ("{", FormatError, "is no JSON"),
            ("[1, 2]", DataError, "holds 2 numbers, and a row has 2 numbers and 1 texts"),
            ('["a"]', FormatError, "row 0: expected an object"),
            ("[]", DataError, "has no 'length'"),
            (__file__, UsageError, "no table that we read"),
        ],
    )
    def test_what_cannot_be_asked_is_told(self, prepared, given, error, told):
        with pytest.raises(error, match=told):
            rows_of(given, prepared)

    def test_texts_that_training_never_saw_are_told(self, prepared):
        rows = rows_of('{"length": 3, "colour": "pink", "weight": 1}', prepared)
        assert unseen(rows, prepared, 0) == ["'pink' as colour was not in training"]
        assert not prepared.finish(rows, np.arange(1))[0, 2:].any()

    def test_numbers_alone_need_no_names(self, tmp_path):
        prepared = TablePreparation(("x0", "x1"), (0.0, 1.0), (1.0, 2.0), (), ())
        assert prepared.finish(rows_of("[3, 5]", prepared), np.arange(1)).tolist() == [[3.0, 2.0]]
