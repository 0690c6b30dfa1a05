"""`import tinygan` loads NumPy and the standard library, nothing else."""
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def foreign(code):
    """Run `code` in a fresh interpreter and return the top-level modules it loaded from outside the standard library.

    Modules that the interpreter itself loads at start (site hooks of the environment) do not count, nor do names
    without a file or a folder, which compiled modules of NumPy put there for their own use.
    """
    script = (f"import sys\nbefore = set(sys.modules)\nsys.path.insert(0, {str(ROOT)!r})\n{code}\n"
              "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
              "loaded = {name for name in loaded if hasattr(sys.modules.get(name), '__path__')\n"
              "          or hasattr(sys.modules.get(name), '__file__')}\n"
              "print(*sorted(loaded - set(sys.stdlib_module_names)))")
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_importing_tinygan_loads_numpy_alone():
    loaded = foreign("import tinygan")
    assert loaded <= {"numpy", "tinygan"}, f"import tinygan: expected numpy alone, got {sorted(loaded)}"


def test_another_import_is_found():
    assert {"tqdm", "threadpoolctl"} <= foreign("import numpy, tqdm, threadpoolctl")
