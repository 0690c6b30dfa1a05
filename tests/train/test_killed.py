"""A run that is killed again and again, checkpoint writing included, ends with the bits of an undisturbed one."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Lives of one run. Each is a fork of this process, which has imported everything and started no thread, so that a life
# costs milliseconds. Half of them are killed at a random moment; the others kill themselves before or after one of
# the calls that make a file durable, which are the moments that matter and that chance seldom finds.
LIVES = r"""
import json, os, random, shutil, signal, sys, time
from pathlib import Path
import matplotlib.backends.backend_agg, matplotlib.figure, PIL.PngImagePlugin, tqdm
import tinygan.cli.sources
from tinygan import cli, train

folder, whole, recipe = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
new = ["train", recipe, "--data", "ring8", "--steps", "32", "--batch-size", "8", "--quiet", "--device", "cpu",
       "--log-every", "2", "--sample-every", "16", "--save-every", "1", "--score-every", "3", "--seed", "3",
       "--set", "hidden=6,", "z_dim=3", "ema=0.9", "lr=1e-2"]
dice = random.Random(recipe)
# So small a net never finds a mode, and its score would stay 0: this one has a new best checkpoint now and then.
cli.sources._modes = lambda points: (lambda gan: float(gan.sample(8).std()), "spread")

def life(arguments, at_call=None, after=False):
    '''Fork a process that runs a command; return its number and a pipe with one byte for each step it begins.'''
    end, begin = os.pipe()
    process = os.fork()
    if process:
        os.close(begin)
        return process, end
    step, calls = train.Play.step, [0]
    def told(self, watch=False):
        os.write(begin, b".")
        step(self, watch)
    train.Play.step = told
    def deadly(function):
        def called(*args):
            calls[0] += 1
            if calls[0] == at_call and not after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = function(*args)
            if calls[0] == at_call:
                os.kill(os.getpid(), signal.SIGKILL)
            return result
        return called
    os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
    status = 99
    try:
        status = cli.main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

def end_of(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

process, pipe = life([*new, "--out", whole])
started = time.monotonic()
steps = 0
while os.read(pipe, 1):
    steps += 1
pace = (time.monotonic() - started) / steps
assert end_of(process) == 0 and steps == 32

def many_lives():
    '''A whole run, of as many lives as it takes: (exit status, kills, how many of them while a file was written).'''
    kills = writing = 0
    while True:
        begun = (folder / "config.json").exists()
        directed = dice.random() < 0.5
        process, pipe = life(["resume", str(folder), "--quiet"] if begun else [*new, "--out", str(folder)],
                             *((dice.randrange(1, 14), dice.random() < 0.5) if directed else ()))
        if not directed:
            for _ in range(dice.randrange(3)):
                os.read(pipe, 1)
            time.sleep(dice.uniform(0, 2 * pace))
            os.kill(process, signal.SIGKILL)
        status = end_of(process)
        os.close(pipe)
        if status != -signal.SIGKILL:
            return status, kills, writing
        kills += 1
        writing += any(folder.glob(".*.npz.*.tmp"))

for _ in range(8):  # chance has a hand in how often, and when, a run is killed: one that had it too easy does not count
    shutil.rmtree(folder, ignore_errors=True)
    status, kills, writing = many_lives()
    if status or kills >= 20 and writing >= 3:
        break
print(json.dumps({"status": status, "kills": kills, "writing": writing}))
"""


def contents(folder):
    """{path: bytes} of a run's files; the log without its seconds, the config without its resumptions."""
    found = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    found["log.jsonl"] = [{k: v for k, v in json.loads(line).items() if k != "seconds"}
                          for line in found["log.jsonl"].splitlines()]
    found["config.json"] = {k: v for k, v in json.loads(found["config.json"]).items() if k != "resumed"}
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
@pytest.mark.parametrize("recipe", ["gan", pytest.param("began", marks=pytest.mark.slow),
                                    pytest.param("wgan-gp", marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_ends_like_an_undisturbed_one(tmp_path, recipe):
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    result = subprocess.run([sys.executable, "-c", LIVES, str(folder), str(whole), recipe], capture_output=True,
                            text=True, timeout=300, env={**os.environ, "PYTHONPATH": str(ROOT),
                                                         "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"})
    assert result.returncode == 0, result.stderr
    outcome = json.loads(result.stdout.splitlines()[-1])
    assert outcome["status"] == 0, result.stderr
    assert outcome["kills"] >= 20 and outcome["writing"] >= 3, outcome
    killed, undisturbed = contents(folder), contents(whole)
    assert {"last.npz", "best.npz", "curves.png", "real.png", "samples/000032.png"} <= set(undisturbed)
    assert killed.keys() == undisturbed.keys()  # nothing is missing, and no temporary file is left
    for name, content in undisturbed.items():
        assert killed[name] == content, name
    assert len(undisturbed["log.jsonl"]) == 16 + 11  # a line every second step, a score every third and the last
