"""Files and functions fit on a screen or a few, nothing is left half done, and test files have names of their own."""
import ast
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["tinygan", "tests", "examples", "benchmarks"]
FILE_LINES, FUNCTION_LINES = 450, 60
MARKS = ["TO" + "DO", "FIX" + "ME"]                 # split, so that this file does not report itself


def sources(suffixes=(".py", ".cu")):
    """Return the project's source files."""
    return sorted(file for folder in FOLDERS for file in (ROOT / folder).rglob("*")
                  if file.suffix in suffixes and file.is_file())


def swallows(handler):
    """Whether an except clause catches everything and does nothing."""
    catches_all = handler.type is None or getattr(handler.type, "id", "") in ("Exception", "BaseException")
    return catches_all and all(isinstance(node, ast.Pass) for node in handler.body)


def violations(name, source):
    """Return one line for each rule that the text of the file `name` breaks."""
    found = []
    lines = source.splitlines()
    if len(lines) > FILE_LINES:
        found.append(f"{name}: expected at most {FILE_LINES} lines, got {len(lines)}")
    for number, line in enumerate(lines, 1):
        found += [f"{name}:{number}: {mark}" for mark in MARKS if mark in line]
    for node in ast.walk(ast.parse(source)) if name.endswith(".py") else []:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, more than {FUNCTION_LINES}")
        elif isinstance(node, ast.ExceptHandler) and swallows(node):
            found.append(f"{name}:{node.lineno}: an error is swallowed without a word")
    return found


def test_files_and_functions_are_short():
    found = []
    for file in sources():
        found += violations(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))
    assert not found, "\n".join(found)


def repeated(files):
    """Return the base names that occur more than once among test files."""
    counts = Counter(Path(file).name for file in files if Path(file).name.startswith("test_"))
    return sorted(name for name, count in counts.items() if count > 1)


def test_names_of_test_files_are_unique():
    assert repeated((ROOT / "tests").rglob("test_*.py")) == []
    assert repeated(["a/test_x.py", "b/test_x.py", "b/test_y.py", "a/conftest.py", "b/conftest.py"]) == ["test_x.py"]


@pytest.mark.parametrize("name, source", [
    ("long.py", "x = 1\n" * (FILE_LINES + 1)),
    ("long.cu", "int x;\n" * (FILE_LINES + 1)),
    ("function.py", "class A:\n    def f(self):\n" + "        x = 1\n" * FUNCTION_LINES),
    ("mark.py", f"x = 1  # {MARKS[0]}: later"),
    ("mark.cu", f"// {MARKS[1]}"),
    ("swallow.py", "try:\n    f()\nexcept:\n    pass"),
    ("swallow.py", "try:\n    f()\nexcept Exception:\n    pass"),
])
def test_a_bad_file_is_found(name, source):
    assert len(violations(name, source)) == 1


def test_a_file_at_the_limits_is_not_reported():
    function = "def f():\n" + "    x = 1\n" * (FUNCTION_LINES - 1)
    assert violations("fits.py", function + "x = 1\n" * (FILE_LINES - FUNCTION_LINES)) == []
