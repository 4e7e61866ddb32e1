"""Script for the environment of a model: loads a saved pyfunc, answers requests, and times each call.

It runs as `python -I answer.py MODEL REQUESTS ANSWERS` in an environment that holds the model's own requirements and not
strokecast: it imports nothing of this package. MODEL is the folder with `MLmodel`. REQUESTS has one JSON object per line with
the `columns` and `data` of a table. ANSWERS gets one line for the input example of the model, then one per request:
`columns` and `data` of the answer, and `seconds`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any


def main(model_dir: str, requests: str, answers: str) -> None:
    """Answer the input example, then every request."""
    import mlflow.pyfunc
    import pandas as pd

    model = mlflow.pyfunc.load_model(model_dir)
    frames = [model.input_example]
    for line in Path(requests).read_text(encoding="utf-8").splitlines():
        request = json.loads(line)
        frames.append(pd.DataFrame(request["data"], columns=request["columns"]))
    with Path(answers).open("w", encoding="utf-8") as file:
        for frame in frames:
            file.write(json.dumps(_answer(model, frame)) + "\n")


def _answer(model: Any, frame: Any) -> dict[str, Any]:
    start = time.perf_counter()
    output = model.predict(frame)
    seconds = time.perf_counter() - start
    table = json.loads(output.to_json(orient="split", date_format="iso"))
    return {"columns": table["columns"], "data": table["data"], "seconds": seconds}


if __name__ == "__main__":
    main(*sys.argv[1:])
