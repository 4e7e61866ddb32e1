"""A search with trainings that only compute a number: resumed, interrupted, killed, pruned, with failed trials."""

import signal
import threading
import time

import pytest

from strokecast.common.errors import UserError
from strokecast.models.common.search_space import Choices, Range
from strokecast.training.guards import TrainingError
from strokecast.tuning import storage

optuna = pytest.importorskip("optuna", reason="the extra `tune` is not installed")

from strokecast.tuning import record, search  # noqa: E402
from strokecast.tuning.sampler import SearchSampler  # noqa: E402

SPACE = {
    "config.units": Range(8, 32),
    "training.rate": Range(0.001, 0.1, log=True),
    "config.both": Choices((False, True)),
}
FIRST = {"config.units": 16, "training.rate": 0.01, "config.both": False}


class FakeObjective:
    """The score is the number of units, reported in two steps."""

    task = "classify"

    def __init__(self):
        self.trained, self.setup_values, self.error = [], {"data": "a"}, None
        self.stopped = threading.Event()

    def setup(self, dimensions):
        return dict(self.setup_values)

    def current(self, dimensions):
        return {key: FIRST[key] for key in dimensions}

    def train(self, values, report, on_epoch):
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        report(1, values["config.units"] / 2)
        report(2, values["config.units"])
        self.trained.append(dict(values))
        return float(values["config.units"])


class NoBoard:
    def __init__(self, *arguments):
        self.status = []

    def start(self):
        pass

    def start_trial(self, number, values):
        return ""

    def end_trial(self, *arguments):
        pass

    def end(self, status):
        self.status.append(status)


@pytest.fixture
def start(monkeypatch):
    """`start(trials, **options)`: a process of one search, its objective and its lines."""
    monkeypatch.setattr(search, "SearchRuns", NoBoard)
    database = optuna.storages.InMemoryStorage()
    monkeypatch.setattr(storage, "open_storage", lambda url, requeue: database)
    objective = FakeObjective()

    def make(trials, dimensions=SPACE, **options):
        lines = []
        settings = search.SearchOptions(
            "study",
            trials,
            "",
            **({"sampler": "random", "pruner": "none"} | options),
        )
        return search.Search(settings, objective, dimensions, lines.append), objective, lines

    return make


def test_a_search_goes_on_until_it_has_all_trials(start):
    one, objective, lines = start(3)
    one.run()
    assert objective.trained[0] == FIRST  # the settings of params.yaml come first
    assert len({values["training.rate"] for values in objective.trained}) == 3
    assert all(len(f"{values['training.rate']:g}".lstrip("0.")) <= 3 for values in objective.trained)
    again, _, _ = start(3)
    again.run()
    assert len(objective.trained) == 3
    more, _, _ = start(5)
    objective.error = TrainingError("the loss is nan")
    more.run()
    assert len(objective.trained) == 4  # the failed trial counts
    assert more.best().value == max(values["config.units"] for values in objective.trained)
    assert record.default_trial(more) == 0
    assert "5 trials, best validation accuracy" in more.describe(1.0, 0)
    assert any("failed: the loss is nan" in line for line in lines) is False
    objective.setup_values["data"] = "b"
    with pytest.raises(UserError, match="searched with another data"):
        start(5)


def test_interrupted_and_killed_trials_run_again_with_their_values(start, monkeypatch):
    one, objective, _ = start(3)
    objective.error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert one._runs.status == ["KILLED"]
    killed = one.study.ask()  # the process of this trial is gone before the next search starts
    assert killed.number == 1  # it is the interrupted one
    killed.set_user_attr("process", {})
    two, _, lines = start(3)
    monkeypatch.setattr(search.process_tags, "is_alive", lambda process: bool(process))
    two.run()
    assert "trial 1: its process has ended; it runs again" in lines
    assert objective.trained[0] == FIRST
    assert len(objective.trained) == 3
    states = [trial.state.name for trial in two.study.trials]
    assert states == ["FAIL", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]


def test_a_trial_that_another_process_took_over_does_not_count(start):
    one, objective, lines = start(2)
    train, taken = objective.train, []

    def train_slowly(values, report, on_epoch):
        if not taken:
            taken.append(one.study.trials[-1])
            assert one._fail(taken[0])
            search.requeue(one.study, taken[0])
        return train(values, lambda step, score: None, on_epoch)

    objective.train = train_slowly
    one.run()
    assert "trial 0 does not count: another process runs it again" in lines
    assert [trial.state.name for trial in one.study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert objective.trained[0] == objective.trained[1] == FIRST
    objective.train = lambda *arguments: int("x")
    three, _, _ = start(3)
    with pytest.raises(ValueError, match="invalid literal"):
        three.run()


def test_a_grid_tries_every_combination_once(start):
    dimensions = {"config.units": Choices((8, 16)), "config.both": Choices((False, True))}
    one, objective, _ = start(0, dimensions, sampler="grid")
    one.run()
    assert objective.trained == [
        {"config.units": units, "config.both": both} for units in (8, 16) for both in (False, True)
    ]
    with pytest.raises(UserError, match="the grid has only 4 combinations"):
        start(5, dimensions, sampler="grid")


def test_threads_share_the_trials_of_a_grid(start):
    dimensions = {"config.units": Choices((8, 16, 32)), "config.both": Choices((False, True))}
    one, objective, _ = start(0, dimensions, sampler="grid")
    together, train = threading.Barrier(3, timeout=30), objective.train

    def train_with_two_others(*arguments):
        together.wait()  # breaks if trials run one after another
        return train(*arguments)

    objective.train = train_with_two_others
    one.run(jobs=3)
    combinations = {(values["config.units"], values["config.both"]) for values in objective.trained}
    assert len(objective.trained) == len(combinations) == 6
    assert sum(search.counts(trial) for trial in one.study.trials) == 6


def test_threads_go_on_with_killed_trials_and_train_no_combination_twice(start, monkeypatch):
    dimensions = {"config.units": Choices((8, 16, 24, 32)), "config.both": Choices((False, True))}
    one, objective, _ = start(0, dimensions, sampler="grid")
    for _ in range(3):  # run by a process that is gone
        trial = one.study.ask()
        for key in dimensions:
            one._suggest(trial, key)
        trial.set_user_attr("process", {"gone": "1"})
    monkeypatch.setattr(search.process_tags, "is_alive", lambda process: "gone" not in process)
    monkeypatch.setattr(NoBoard, "end_trial", lambda *arguments: time.sleep(0.05))  # as slow as a board
    one.run(jobs=4)
    combinations = [(values["config.units"], values["config.both"]) for values in objective.trained]
    assert len(combinations) == len(set(combinations)) == 8


def assert_the_grid_is_completed(start, objective, dimensions):
    """Go on with a search of 8, 16 and 32 units: each is trained once."""
    objective.stopped.clear()
    again, _, _ = start(0, dimensions, sampler="grid")
    again.run()
    assert sorted(values["config.units"] for values in objective.trained) == [8, 16, 32]


def test_a_second_interruption_waits_for_the_threads_and_loses_no_trial(start):
    dimensions = {"config.units": Choices((8, 16, 32))}
    one, objective, _ = start(0, dimensions, sampler="grid")
    both, train = threading.Barrier(3, timeout=30), objective.train

    def end_slowly(*arguments):
        both.wait()
        assert objective.stopped.wait(30)
        time.sleep(0.5)
        raise KeyboardInterrupt

    def interrupt_twice():
        both.wait()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        assert objective.stopped.wait(30)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    objective.train = end_slowly
    thread = threading.Thread(target=interrupt_twice)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        one.run(jobs=2)
    thread.join()
    assert [trial.state.name for trial in one.study.trials] == ["FAIL", "FAIL", "WAITING", "WAITING"]
    objective.train = train
    assert_the_grid_is_completed(start, objective, dimensions)


def test_a_mistake_in_one_thread_ends_the_others_and_loses_no_trial(start):
    dimensions = {"config.units": Choices((8, 16, 32))}
    one, objective, _ = start(0, dimensions, sampler="grid")
    both, train = threading.Barrier(2, timeout=30), objective.train

    def fail_or_wait(values, report, on_epoch):
        both.wait()
        if values["config.units"] == 8:
            raise UserError("a wrong file")
        assert objective.stopped.wait(30)
        raise KeyboardInterrupt

    objective.train = fail_or_wait
    with pytest.raises(UserError, match="a wrong file"):
        one.run(jobs=2)
    assert one._runs.status == ["FAILED"]
    objective.train = train
    assert_the_grid_is_completed(start, objective, dimensions)


def test_surplus_trials_train_nothing(start):
    one, objective, _ = start(2)
    others = [one.study.ask() for _ in range(2)]  # run in other processes
    for trial in others:
        trial.set_user_attr("process", one._process)
    one.study.optimize(one._run_trial, n_trials=1, catch=(search._SurplusError,))
    assert objective.trained == []
    assert [search.counts(trial) for trial in one.study.trials] == [True, True, False]


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_processes_with_one_seed_draw_different_numbers(kind):
    sampler = SearchSampler(kind, 1, SPACE, None)
    study = optuna.create_study(sampler=sampler)
    drawn = [study.ask().suggest_float("training.rate", 0.001, 0.1, log=True) for _ in range(4)]
    other = optuna.create_study(sampler=SearchSampler(kind, 1, SPACE, None))
    assert [other.ask().suggest_float("training.rate", 0.001, 0.1, log=True) for _ in range(4)] == drawn
    assert len(set(drawn)) == 4


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "--storage nonsense: is not the address of a database; allowed: e.g. postgresql://"),
        ("oracle://user:secret@host/db", "the driver of this database is not installed; install the extra"),
        (
            "postgresql://user:secret@127.0.0.1:1/db",
            "--storage postgresql.*127.0.0.1:1/db: the database cannot be used",
        ),
    ],
)
def test_an_address_that_cannot_be_used_is_one_line_without_a_password(url, message):
    with pytest.raises(UserError, match=message) as caught:
        storage.open_storage(url, search.requeue)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_process_at_a_time_uses_a_file(tmp_path):
    url = f"sqlite:///{tmp_path}/folder/study.db"
    with (
        storage.single_process(url),
        pytest.raises(UserError, match="another process is running this search"),
        storage.single_process(url),
    ):
        pass
    with storage.single_process(url):
        pass
