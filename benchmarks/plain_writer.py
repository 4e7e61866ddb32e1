"""The peer of `preprocess.py`: a plain TFRecord writer. Frozen: a change of it changes every published ratio.

It processes one drawing at a time, as `create_dataset.py` of TensorFlow's quickdraw tutorial does: scale in NumPy, fill a
`tf.train.Example`, serialise it, write it with a `tf.io.TFRecordWriter`. It reads the same parquet files and pads to the
same bucket boundaries as strokecast. `preprocess.py` checks that both write the same bytes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path


def write(
    validated: Path, out: Path, scale: float, boundaries: Sequence[int], splits: Sequence[str]
) -> tuple[float, float]:
    """Write the records of all splits.

    Args:
        validated: folder with one parquet file per split and `report.json`.
        out: folder to create.
        scale: divisor of dx and dy.
        boundaries: lengths that drawings are padded to, rising; longer drawings are cropped at the last one.
        splits: names of the splits.

    Returns:
        Wall time and processor time in seconds, without imports.
    """
    import numpy as np
    import pyarrow.parquet as pq
    import tensorflow as tf

    classes = json.loads((validated / "report.json").read_text())["classes"]
    wall_start, processor_start = time.perf_counter(), time.process_time()
    for split in splits:
        (out / split).mkdir(parents=True)
        names = {bound: out / split / f"bucket-{bound:04d}-00000-of-00001.tfrecord" for bound in boundaries}
        writers: dict[int, tf.io.TFRecordWriter] = {}
        for batch in pq.ParquetFile(validated / f"{split}.parquet").iter_batches(1024):
            for row in batch.to_pylist():
                drawing = np.array(row["points"], dtype=np.float32).reshape(-1, 3)
                drawing[:, :2] /= np.float32(scale)
                bound = next((b for b in boundaries if len(drawing) <= b), boundaries[-1])
                padded = np.zeros((bound, 3), dtype=np.float32)
                length = min(len(drawing), bound)
                padded[:length] = drawing[:length]
                if len(drawing) > bound:
                    padded[-1, 2] = 1.0
                features = {
                    "strokes": tf.train.Feature(float_list=tf.train.FloatList(value=padded.flatten())),
                    "length": tf.train.Feature(int64_list=tf.train.Int64List(value=[length])),
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
    return time.perf_counter() - wall_start, time.process_time() - processor_start
