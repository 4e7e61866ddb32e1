"""`params.yaml` as frozen, typed models: the schema has every default, the file what its owner chose to write."""

from strokecast.params.base import DATASETS, TASKS, Strict
from strokecast.params.combinations import Combination, Ensemble
from strokecast.params.distil import DISTIL, Distillation
from strokecast.params.draw import Draw, DrawEvaluation
from strokecast.params.evaluation import (
    ClassifyEvaluation,
    Evaluation,
    ForecastEvaluation,
    Regime,
    WatchEvaluation,
)
from strokecast.params.features import (
    ClassifyFeatures,
    DrawFeatures,
    Features,
    ForecastFeatures,
    Preprocess,
    WatchFeatures,
)
from strokecast.params.models import ModelEntry, Models
from strokecast.params.promotion import DrawPromotion, ForecastPromotion, LabelPromotion, Promotion
from strokecast.params.quality import Quality, SeriesQuality, SketchQuality
from strokecast.params.reading import load, parse
from strokecast.params.runtime import Runtime
from strokecast.params.schema import Params
from strokecast.params.sources import (
    Births,
    Cap,
    ClassFiles,
    Csv,
    Cta,
    Doodles,
    KaggleCsv,
    NpzFolder,
    QuickDraw,
    Series,
    Sketches,
    Tutorial,
)
from strokecast.params.stages import read_stage
from strokecast.params.training import (
    RECIPES,
    ClassifyRecipe,
    DrawRecipe,
    ForecastRecipe,
    LabelRecipe,
    Recipe,
    TrainingParams,
    WatchRecipe,
)

__all__ = [
    "DATASETS",
    "DISTIL",
    "RECIPES",
    "TASKS",
    "Births",
    "Cap",
    "ClassFiles",
    "ClassifyEvaluation",
    "ClassifyFeatures",
    "ClassifyRecipe",
    "Combination",
    "Csv",
    "Cta",
    "Distillation",
    "Doodles",
    "Draw",
    "DrawEvaluation",
    "DrawFeatures",
    "DrawPromotion",
    "DrawRecipe",
    "Ensemble",
    "Evaluation",
    "Features",
    "ForecastEvaluation",
    "ForecastFeatures",
    "ForecastPromotion",
    "ForecastRecipe",
    "KaggleCsv",
    "LabelPromotion",
    "LabelRecipe",
    "ModelEntry",
    "Models",
    "NpzFolder",
    "Params",
    "Preprocess",
    "Promotion",
    "Quality",
    "QuickDraw",
    "Recipe",
    "Regime",
    "Runtime",
    "Series",
    "SeriesQuality",
    "SketchQuality",
    "Sketches",
    "Strict",
    "TrainingParams",
    "Tutorial",
    "WatchEvaluation",
    "WatchFeatures",
    "WatchRecipe",
    "load",
    "parse",
    "read_stage",
]
