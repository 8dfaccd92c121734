"""The model of an endpoint that the benchmarks in virtual time use does what its fields say."""

from virtual_server import ServerModel, run_on_server

from transforms.teacher.specs import ConcurrencySpec


def test_slots_wait_or_refuse_and_every_row_comes_out() -> None:
    waits = run_on_server(ServerModel(1.0, slots=4), 60)
    refuses = run_on_server(ServerModel(1.0, slots=4, queue_limit=0, hint_s=1.0), 60)
    assert waits.most_waiting() > 0
    assert waits.refused == []
    assert refuses.most_waiting() == 0
    assert refuses.refused
    assert refuses.most_at_once() == 4
    assert waits.reasons == refuses.reasons == {"answered": 60}
    assert waits.window_s >= 60 / 4


def test_the_same_seed_gives_the_same_run_and_another_does_not() -> None:
    model = ServerModel(0.5, 0.6, slots=8, faults=((500, 0.05),))
    first, second, other = (run_on_server(model, 120, seed) for seed in (1, 1, 2))
    assert first.answered == second.answered != other.answered
    assert first.failed > 0
    assert first.reasons == {"answered": 120}


def test_a_rate_and_several_clients_share_one_bucket() -> None:
    seen = run_on_server(ServerModel(0.1, rate_per_s=20.0, burst=5.0), 60, starts_s=(0.0, 1.0), concurrency=ConcurrencySpec(5, 20))
    assert seen.refused
    assert len(seen.answered) == 120
    assert seen.window_s >= (120 - 5) / 20.0 - 0.2
