"""Makes test/goldens/parquet/*.parquet as hubs publish them, and parquet.json: what pyarrow (25.0.1) says is in them.

Run: python test/goldens/make_parquet.py
"""

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

here = Path(__file__).parent
FIXTURES = here.parent / "data" / "fixtures"
OUT = here / "parquet"
OUT.mkdir(exist_ok=True)
expected = {}


def content(name):
    return (FIXTURES / name).read_bytes()


def note(cell):
    """A cell as JSON: bytes by their hash."""
    if isinstance(cell, bytes):
        return {"sha256": hashlib.sha256(cell).hexdigest()}
    if isinstance(cell, dict):
        return {key: note(value) for key, value in cell.items()}
    return cell


def write(name, table, **options):
    pq.write_table(table, OUT / f"{name}.parquet", write_statistics=False, **options)
    rows = [{key: note(value) for key, value in row.items()} for row in table.to_pylist()]
    expected[name] = {"columns": {f.name: str(f.type) for f in table.schema}, "rows": rows}


# The convention of hubs: a struct of bytes and path. Row groups of two rows, and an index of pages.
hub = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
videos = [
    {"bytes": content("bars.mp4"), "path": "a.mp4"},
    {"bytes": content("bars.gif"), "path": None},
    {"bytes": content("bars.webp"), "path": "sub/c.webp"},
    {"bytes": content("damaged.mp4"), "path": "damaged.mp4"},
    None,
    {"bytes": b"not a video at all", "path": "x.mp4"},
    {"bytes": content("bars.mkv"), "path": "no-caption.mkv"},
]
captions = ["bars, moving", "small bars", "webp bars", "x", "nothing", "y", None]
ids = pa.array(range(7), pa.int64())
write(
    "hub-snappy",
    pa.table({"id": ids, "video": pa.array(videos, hub), "caption": captions}),
    compression="snappy",
    use_dictionary=["caption"],
    row_group_size=2,
    write_page_index=True,
)

# Bytes alone, several captions each, one row group, no index.
write(
    "lists-zstd",
    pa.table(
        {
            "mp4": pa.array([content("bars.mp4"), content("bars.webm"), content("bars.mov")], pa.large_binary()),
            "seconds": pa.array([1.0, 1.0, 1.0]),
            "captions": pa.array([["first", "second"], ["", "other"], []], pa.list_(pa.string())),
        }
    ),
    compression="zstd",
    use_dictionary=False,
)

# Paths beside the file, captions in a struct.
words = pa.struct([("short", pa.string()), ("long", pa.string())])
write(
    "paths-gzip",
    pa.table(
        {
            "file_name": ["videos/bars.mp4", "../outside.mp4", "videos/absent.mp4", "/etc/passwd"],
            "text": pa.array([{"short": f"s{i}", "long": f"long {i}"} for i in range(4)], words),
        }
    ),
    compression="gzip",
)

# Pictures, captions in JSON, pages of version 2, nothing compressed.
write(
    "pictures-none",
    pa.table(
        {
            "image": pa.array(
                [{"bytes": content("bars.jpg"), "path": "1.jpg"}, {"bytes": content("bars.png"), "path": "2.png"}], hub
            ),
            "json": ['{"caption": "a picture", "width": 96}', '{"caption": "a small picture"}'],
            "author": ["a", "b"],
        }
    ),
    compression="none",
    use_dictionary=False,
    data_page_version="2.0",
)

# Columns that cannot be told apart.
write("ambiguous", pa.table({"left": [b"1"], "right": [b"2"], "one": ["x"], "two": ["y"]}), compression="none")

(here / "parquet.json").write_text(json.dumps(expected, indent=1) + "\n")
