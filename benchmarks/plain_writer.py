"""The plain writer that `preprocess.py` measures strokecast against. Frozen: change it and every ratio changes.

It goes drawing by drawing, as `create_dataset.py` of TensorFlow's quickdraw tutorial does: scale in numpy,
fill a `tf.train.Example`, serialise it, hand it to a `tf.io.TFRecordWriter`. It reads the same parquet and
pads to the same buckets as strokecast, and must write the same bytes, which `preprocess.py` checks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path


def write(
    validated: Path, out: Path, scale: float, bounds: Sequence[int], splits: Sequence[str]
) -> tuple[float, float]:
    """Write the records of all splits; imports are not timed.

    Args:
        validated: folder with a parquet file a split and `report.json`.
        out: folder to make.
        scale: what dx and dy are divided by.
        bounds: lengths that drawings are padded to; longer ones are cut to the last.
        splits: names of the splits.

    Returns:
        Seconds, and seconds of processor time.
    """
    import numpy as np
    import pyarrow.parquet as pq
    import tensorflow as tf

    classes = json.loads((validated / "report.json").read_text())["classes"]
    started, used = time.perf_counter(), time.process_time()
    for split in splits:
        (out / split).mkdir(parents=True)
        names = {bound: out / split / f"bucket-{bound:04d}-00000-of-00001.tfrecord" for bound in bounds}
        writers: dict[int, tf.io.TFRecordWriter] = {}
        for batch in pq.ParquetFile(validated / f"{split}.parquet").iter_batches(1024):
            for row in batch.to_pylist():
                drawing = np.array(row["points"], dtype=np.float32).reshape(-1, 3)
                drawing[:, :2] /= np.float32(scale)
                bound = next((b for b in bounds if len(drawing) <= b), bounds[-1])
                ink = np.zeros((bound, 3), dtype=np.float32)
                kept = min(len(drawing), bound)
                ink[:kept] = drawing[:kept]
                if len(drawing) > bound:
                    ink[-1, 2] = 1.0
                features = {
                    "strokes": tf.train.Feature(float_list=tf.train.FloatList(value=ink.flatten())),
                    "length": tf.train.Feature(int64_list=tf.train.Int64List(value=[kept])),
                    "label": tf.train.Feature(
                        int64_list=tf.train.Int64List(value=[classes.index(row["label"])])
                    ),
                    "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[row["id"].encode()])),
                }
                example = tf.train.Example(features=tf.train.Features(feature=features))
                if bound not in writers:
                    writers[bound] = tf.io.TFRecordWriter(str(names[bound]))
                writers[bound].write(example.SerializeToString(deterministic=True))
        for writer in writers.values():
            writer.close()
    return time.perf_counter() - started, time.process_time() - used
