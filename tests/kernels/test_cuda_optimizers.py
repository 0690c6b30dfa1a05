"""Optimiser steps in CUDA, their source run on the host: the bits of the CPU, lists of arrays in one launch."""
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygan import nn, optim
from tinygan.backend import to_device, to_numpy
from tinygan.kernels import cpu, cuda
from tinygan.kernels.cuda.optimizers import MOST

pytestmark = pytest.mark.usefixtures("host_shim")
ONE_FIXTURE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
rate, decay, beta = st.floats(1e-4, 1), st.sampled_from([0.0, 0.01]), st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.999])
CALLS = st.one_of(  # kernel, number of moments, the rest of its arguments
    st.tuples(st.just("sgd_step"), st.just(1), st.tuples(rate, beta, beta, decay, st.booleans(), st.booleans())),
    st.tuples(st.just("rmsprop_step"), st.just(3), st.tuples(rate, beta, st.just(1e-8), decay, beta, st.booleans())),
    st.tuples(st.sampled_from(["adam_step", "adamw_step"]), st.just(2),
              st.tuples(rate, beta, beta, st.just(1e-8), decay, st.integers(1, 2000))),
    st.tuples(st.just("adagrad_step"), st.just(1), st.tuples(rate, decay, st.just(1e-8), decay, st.integers(1, 2000))),
    st.tuples(st.just("average_step"), st.just(0), st.tuples(st.sampled_from([1e-3, 0.3, 1.0]))))


@settings(max_examples=150, suppress_health_check=ONE_FIXTURE)
@given(call=CALLS, shapes=st.lists(st.lists(st.integers(0, 5), max_size=3).map(tuple), min_size=1, max_size=4),
       dtype=st.sampled_from([np.float32, np.float64]), seed=st.integers(0, 99), alone=st.booleans(),
       threads=st.integers(1, 3))
def test_a_step_has_the_bits_of_the_cpu(cupy_standin, host_shim, launches, call, shapes, dtype, seed, alone, threads):
    name, moments, rest = call
    rng = np.random.default_rng(seed)
    host = [[rng.random(shape).astype(dtype) for shape in shapes] for _ in range(2 + moments)]
    if name == "rmsprop_step":
        host[2] = [np.add(value, 2, out=value) for value in host[2]]  # above grad_avg squared, as it always is
    device = [[cupy_standin.asarray(value) for value in kind] for kind in host]
    device[1] = [value.T.copy().T for value in device[1]]  # a gradient may lie in memory as it likes
    launches.clear()
    with host_shim.several(threads):
        getattr(cuda, name)(*(kind[0] if alone else kind for kind in device), *rest)
    stepped = [kind[:1] if alone else kind for kind in host]
    assert len(launches) == any(value.size for value in stepped[0])
    getattr(cpu, name)(*(kind[0] if alone else kind for kind in host), *rest)
    for kind, expected in zip(device, host, strict=True):
        for there, here in zip(kind, expected, strict=True):
            assert there.dtype == dtype
            np.testing.assert_array_equal(there.get(), here)


def test_two_tables_two_types_and_memory_of_another_order(cupy_standin, launches):
    rng = np.random.default_rng(0)
    host = [[rng.random((2, 3)).astype(np.float32 if i % 2 else np.float64) for i in range(2 * MOST + 2)]
            for _ in range(2)]
    device = [[cupy_standin.asarray(value) for value in kind] for kind in host]
    device[0][0] = device[0][0].T.copy().T  # written all the same
    cuda.average_step(*device, 0.25)
    cpu.average_step(*host, 0.25)
    assert launches == ["average"] * 4
    for there, here in zip(device[0], host[0]):
        np.testing.assert_array_equal(there.get(), here)


def test_a_weight_of_one_copies_any_type(cupy_standin, launches):
    values = [np.array(2 ** 60 + 1), np.array([np.nan, np.inf], np.float32), np.array([-1e300])]
    targets = [cupy_standin.zeros(value.shape, value.dtype) for value in values]
    cuda.average_step(targets, [cupy_standin.asarray(value) for value in values], 1.0)
    for there, here in zip(targets, values):
        np.testing.assert_array_equal(there.get(), here)
    assert launches == ["copy"] * 3


MAKERS = {
    "sgd": lambda params: optim.SGD(params, 0.1, 0.9, weight_decay=0.01),
    "rmsprop": lambda params: optim.RMSprop(params, 0.01, centered=True, momentum=0.5),
    "adam": lambda params: optim.Adam(params, 0.01, (0.5, 0.999)),
    "adamw": lambda params: optim.AdamW(params, 0.01),
    "adagrad": lambda params: optim.Adagrad(params, 0.1),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_an_optimiser_takes_one_launch_and_the_steps_of_the_cpu(cupy_standin, launches, make):
    rng = np.random.default_rng(0)
    start = [rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (130, 130), (5,), (), (2, 2, 2))]
    params = {where: [nn.Parameter(to_device(value.copy(), where)) for value in start] for where in ("cpu", "cuda")}
    optimizers = {where: make(params[where]) for where in params}
    for step in range(5):
        gradients = [rng.normal(size=value.shape).astype(np.float32) for value in start]
        if step == 2:
            gradients[1] = None  # the second is a step behind from here on: a launch of its own
        if step == 4:
            optimizers["cuda"].load_state_dict(optimizers["cpu"].state_dict())
        launches.clear()
        cupy_standin.counters.reset()
        on_device = [value if value is None else cupy_standin.asarray(value) for value in gradients]
        uploads = len(cupy_standin.counters.uploaded)
        optimizers["cuda"].apply(on_device)
        optimizers["cpu"].apply(gradients)
        assert len(launches) == (2 if step > 2 else 1)
        assert step == 4 or len(cupy_standin.counters.uploaded) == uploads
        assert step == 4 or cupy_standin.counters.synchronizations == 0
    for here, there in zip(params["cpu"], params["cuda"]):
        np.testing.assert_array_equal(there.data.get(), here.data)
        assert there.version.count == here.version.count


def test_an_average_of_weights_takes_one_launch_and_one_for_each_width_of_its_buffers(cupy_standin, launches):
    nets = {}
    for where in ("cpu", "cuda"):
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        for i, parameter in enumerate(net.parameters()):
            parameter.assign(np.full(parameter.shape, 0.1 * i, np.float32), "test")
        nets[where] = net.to(where)
    averages = {where: optim.EMA(net, 0.9) for where, net in nets.items()}
    for where, net in nets.items():
        for parameter in net.parameters():
            parameter.assign(parameter.data + 1, "test")
        launches.clear()
        averages[where].update()
        assert launches == ([] if where == "cpu" else ["average", "copy", "copy"])
    for key, value in averages["cpu"].module.state_dict().items():
        there = averages["cuda"].module.state_dict()[key]
        np.testing.assert_array_equal(to_numpy(there), value)
