"""Predictions of rules and networks on the same test records."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.classify import predictions as classify_predictions
from strokecast.evaluation.common.trainings import roster
from strokecast.evaluation.forecast import predictions as forecast_predictions
from strokecast.features.records import plain_reading
from strokecast.features.sketches import classify as classify_features
from strokecast.features.timeseries import forecast as forecast_features
from strokecast.inference import backtest, conformal, networks
from strokecast.models.common.estimators import NearestNeighbours
from strokecast.params import ClassifyFeatures, ForecastFeatures, ModelEntry

DAYS = 120


@pytest.fixture
def processed_series(tmp_path, validated_series):
    """The series as `preprocess@forecast` writes it, and the spec."""
    settings = ForecastFeatures(window=14, horizon=7, valid_from=0.5, test_from=0.75)
    return tmp_path / "processed", forecast_features.preprocess(
        validated_series, tmp_path / "processed", settings
    )


REACH = np.array([[10.0], [20.0], [40.0]]) + np.arange(7)  # of the intervals [L, H]


def calibrated(folder, method="absolute"):
    conformal.Calibration(method, conformal.LEVELS, REACH, 2 * REACH, 25).write(folder)
    return folder


def rule(train, name, spec):
    folder = calibrated(train("forecast", name, kind="rule", dataset={"digest": spec["digest"]}))
    told = {"task": "forecast", "name": name, "config": {}, "found": {}}
    (folder / "model.json").write_text(json.dumps(told))
    (folder / "spec.json").write_text(json.dumps(spec))


def test_a_rule_is_asked_at_every_origin_of_the_test_days(train, tmp_path, processed_series, series):
    processed, spec = processed_series
    rule(train, "seasonal_naive_7", spec)
    found = roster("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    test, made = forecast_predictions.collect(found, processed, spec, step=4)
    origins = np.arange(90, DAYS - 7 + 1, 4)
    ahead = np.arange(7)
    assert (test.first_days == np.datetime64("2018-01-01") + origins).all()
    assert test.possible == len(origins)
    assert test.actual == pytest.approx(series.values[origins[:, None] + ahead])
    said = made["seasonal_naive_7", 1]
    assert said.point == pytest.approx(series.values[origins[:, None] + ahead - 7])
    assert test.scale.absolute == pytest.approx(np.abs(series.values[7:60] - series.values[:53]).mean())
    assert len(test.days) == len(test.values) == 30
    assert said.point - said.low == pytest.approx(np.broadcast_to(REACH[:, None], said.low.shape))
    assert said.high - said.point == pytest.approx(np.broadcast_to(2 * REACH[:, None], said.low.shape))
    assert (said.levels, said.calibrated, said.short) == (conformal.LEVELS, 25, [])


def test_all_are_asked_at_the_same_few_origins(train, tmp_path, processed_series):
    processed, spec = processed_series
    rule(train, "seasonal_naive_7", spec)
    found = roster("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    every, _ = forecast_predictions.collect(found, processed, spec, step=1)
    test, made = forecast_predictions.collect(found, processed, spec, step=1, most=5)
    assert (test.possible, len(test.first_days)) == (24, 5) == (len(every.first_days), len(test.actual))
    assert set(test.first_days) <= set(every.first_days)
    assert made["seasonal_naive_7", 1].point.shape == (5, 7)


def test_holidays_are_those_of_the_country_and_further_targets_stand_beside_the_first(
    train, tmp_path, validated_series, series
):
    table = pq.read_table(validated_series / "series.parquet")
    table = table.append_column("bus", pa.array(2 * series.values[:DAYS]))
    pq.write_table(table, validated_series / "series.parquet")
    settings = ForecastFeatures(
        window=14, horizon=7, valid_from=0.5, test_from="2018-03-20", targets=("y", "bus"), country="US"
    )
    processed = tmp_path / "processed"
    spec = forecast_features.preprocess(validated_series, processed, settings)
    rule(train, "seasonal_naive_7", spec)
    found = roster("forecast", {"seasonal_naive_7": ModelEntry()}, tmp_path / "models")
    test, made = forecast_predictions.collect(found, processed, spec, step=1)
    assert test.holidays.sum() == 0  # none in the United States from 20 March to 30 April
    assert list(test.further) == ["bus"]
    assert test.further["bus"] == pytest.approx(2 * test.actual)
    assert made["seasonal_naive_7", 1].further == {}
    known = backtest.series(processed, ("train", "valid", "test"))
    flags = forecast_predictions._holidays(known, spec, np.arange(14, 100))
    days = known.days[np.arange(14, 100)[:, None] + np.arange(7)][flags]
    assert set(days.astype(str)) == {
        "2018-01-15",
        "2018-02-19",
    }  # Martin Luther King Day, Washington's Birthday


def test_a_rule_that_needs_more_history_is_named(train, tmp_path, processed_series):
    processed, spec = processed_series
    rule(train, "seasonal_naive_364", spec)
    found = roster("forecast", {"seasonal_naive_364": ModelEntry()}, tmp_path / "models")
    with pytest.raises(
        UserError, match=r"seasonal_naive_364: needs 364 days of history.*2018-04-01\) has 90"
    ):
        forecast_predictions.collect(found, processed, spec, step=1)


def quantile_network(spec):
    """Repeats last week, with quantiles that reach as far above as below."""
    import keras

    from strokecast.models.layers.horizon import QUANTILES, Quantiles

    past = keras.Input((14, len(spec["channels"])), name="past")
    week = past[:, 7:, :1]  # [B, H, D]
    zeros = keras.ops.repeat(week[..., None] * 0, 7, axis=-1)
    return keras.Model({"past": past}, Quantiles(conformal.QUANTILES, name=QUANTILES)(zeros, week))


def test_a_network_that_copies_last_week_forecasts_as_the_rule_does(train, tmp_path, processed_series):
    processed, spec = processed_series
    rule(train, "seasonal_naive_7", spec)
    folder = calibrated(train("forecast", "linear", dataset={"digest": spec["digest"]}), "cqr")
    quantile_network(spec).save(folder / "model.keras")
    found = roster(
        "forecast", {"linear": ModelEntry(), "seasonal_naive_7": ModelEntry()}, tmp_path / "models"
    )
    _, made = forecast_predictions.collect(found, processed, spec, step=3)
    network, naive = made["linear", 1], made["seasonal_naive_7", 1]
    assert network.point == pytest.approx(naive.point, rel=1e-5)
    assert network.own == conformal.QUANTILES
    widths = network.quantiles[..., ::-1] - network.quantiles  # 97.5 % minus 2.5 %, 90 - 10, 75 - 25
    for row, place in enumerate((2, 1, 0)):  # 50, 80, 95 %
        reach = network.high[row] - network.low[row]
        assert reach == pytest.approx(widths[..., place] + 3 * REACH[row], rel=1e-4)


def test_a_calibration_of_another_kind_is_named(train, tmp_path, processed_series):
    processed, spec = processed_series
    folder = calibrated(train("forecast", "linear", dataset={"digest": spec["digest"]}), "absolute")
    quantile_network(spec).save(folder / "model.keras")
    found = roster("forecast", {"linear": ModelEntry()}, tmp_path / "models")
    with pytest.raises(UserError, match=r"calibration\.json: calibrated by 'absolute'"):
        forecast_predictions.collect(found, processed, spec, step=3)
    (folder / "calibration.json").unlink()
    with pytest.raises(UserError, match=r"calibration\.json: no such file"):
        forecast_predictions.collect(found, processed, spec, step=3)


LENGTHS = {"zebra": [3, 20, 9, 30], "apple": [5, 18, 40, 7]}  # points of the sketches of each class


@pytest.fixture
def processed_sketches(tmp_path):
    """Eight sketches a split as `preprocess@classify` writes them, cropped at 32 points, and the spec."""
    validated = tmp_path / "validated"
    validated.mkdir()
    for split in ("train", "valid", "test"):
        rows = [(label, i, n) for label, counts in LENGTHS.items() for i, n in enumerate(counts)]
        points = [np.random.default_rng(n).integers(-9, 9, n * 3).astype(np.float32) for _, _, n in rows]
        columns = {
            "id": [f"{label}/{split}/{i}" for label, i, _ in rows],
            "label": [label for label, _, _ in rows],
            "length": pa.array([n for _, _, n in rows], pa.int32()),
            "points": pa.array(points, pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), validated / f"{split}.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "made"}))
    processed = tmp_path / "processed"
    return processed, classify_features.preprocess(validated, processed, ClassifyFeatures(bounds=(8, 16, 32)))


def test_attention_is_told_of_one_sketch_a_class_and_leaves_padding_out(train, tmp_path, processed_sketches):
    from strokecast.models.common import registry

    processed, spec = processed_sketches
    folder = train("classify", "attention_rnn", dataset={"digest": spec["digest"]})
    architecture = registry.get("classify", "attention_rnn")
    network = architecture.build(architecture.testing, spec)
    network.save(folder / "model.keras")
    found = roster("classify", {"attention_rnn": ModelEntry()}, tmp_path / "models")
    test, _, attended = classify_predictions.collect(found, processed, spec)
    seen = attended["attention_rnn", 1]
    assert [spec["classes"][test.labels[one.row]] for one in seen] == ["zebra", "apple"]
    assert [len(one.strokes) for one in seen] == [9, 7]  # of each class the lower median
    for one in seen:
        assert test.lengths[one.row] == len(one.strokes) == len(one.weights)
        assert one.weights.sum() == pytest.approx(1, abs=1e-5)  # over real points: padding has none
        assert one.weights.min() > 0
        alone = {"strokes": one.strokes[None], "length": np.array([len(one.strokes)], np.int32)}
        assert networks.attention(network, alone)[0] == pytest.approx(one.weights, abs=1e-5)


def test_probabilities_belong_to_their_sketches(train, tmp_path, processed_sketches):
    """A network that reads the class off the number of points is right on exactly the sketches where it should be."""
    import keras

    processed, spec = processed_sketches
    folder = train("classify", "gru", dataset={"digest": spec["digest"]})
    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    size = keras.ops.expand_dims(keras.ops.cast(length, "float32"), 1)
    sign = keras.layers.Dense(2, kernel_initializer="zeros", name="logits")
    total = keras.layers.Concatenate()([size, keras.ops.sum(strokes, axis=1) * 0])
    network = keras.Model({"strokes": strokes, "length": length}, sign(total))
    zebra = spec["classes"].index("zebra")
    kernel = np.zeros((4, 2), np.float32)
    kernel[0, zebra] = 1
    bias = np.zeros(2, np.float32)
    bias[zebra] = -10  # zebra from 11 points on
    sign.set_weights([kernel, bias])
    network.save(folder / "model.keras")
    found = roster("classify", {"gru": ModelEntry()}, tmp_path / "models")
    test, made, attended = classify_predictions.collect(found, processed, spec)
    assert sorted(test.ids) == sorted(f"{label}/test/{i}" for label in LENGTHS for i in range(4))
    true = [spec["classes"][label] for label in test.labels]
    assert true == [name.split("/")[0] for name in test.ids]
    cropped = [min(32, LENGTHS[name.split("/")[0]][int(name.split("/")[2])]) for name in test.ids]
    assert test.lengths.tolist() == cropped
    assert (made["gru", 1].argmax(axis=1) == zebra).tolist() == [n > 10 for n in cropped]
    assert made["gru", 1].sum(axis=1) == pytest.approx(1)
    assert attended == {}


def test_an_estimator_is_asked_for_the_same_sketches_in_the_same_order(train, tmp_path):
    """Nearest neighbours of one vote know every test sketch that is also a training sketch."""
    validated = tmp_path / "validated"
    validated.mkdir()
    lengths = {"zebra": [3, 20, 9, 30], "apple": [5, 18, 40, 7]}
    rows = [(label, i, n) for label, counts in lengths.items() for i, n in enumerate(counts)]
    points = [np.random.default_rng(n).integers(-9, 9, (n, 3)).astype(np.float32) for _, _, n in rows]
    for drawing in points:
        drawing[:, 2] = np.arange(len(drawing)) == len(drawing) - 1
    for split in ("train", "valid", "test"):
        columns = {
            "id": [f"{label}/{split}/{i}" for label, i, _ in rows],
            "label": [label for label, _, _ in rows],
            "length": pa.array([n for _, _, n in rows], pa.int32()),
            "points": pa.array([drawing.ravel() for drawing in points], pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), validated / f"{split}.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "made"}))
    processed = tmp_path / "processed"
    spec = classify_features.preprocess(validated, processed, ClassifyFeatures(bounds=(8, 16, 32)))
    folder = train("classify", "nearest_neighbour", kind="estimator", dataset={"digest": spec["digest"]})
    told = {"task": "classify", "name": "nearest_neighbour", "config": {"neighbours": 1}}
    (folder / "config.json").write_text(json.dumps(told))
    (folder / "spec.json").write_text(json.dumps(spec))
    model = NearestNeighbours(2, "summary", 1, 20, 1.5)
    model.fit(batch[:3] for batch in plain_reading.batches(processed, spec, "train"))
    model.save(folder)
    found = roster("classify", {"nearest_neighbour": ModelEntry()}, tmp_path / "models")
    test, made, attended = classify_predictions.collect(found, processed, spec)
    assert attended == {}
    chances = made["nearest_neighbour", 1]
    assert chances.argmax(axis=1).tolist() == test.labels.tolist()
    assert chances.max(axis=1).min() > 0.5
    assert chances.sum(axis=1) == pytest.approx(1)
    assert [spec["classes"][k] for k in chances.argmax(axis=1)] == [name.split("/")[0] for name in test.ids]
