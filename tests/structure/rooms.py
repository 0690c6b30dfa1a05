"""Print the lines of Python and CUDA per room of tinygan/ beside their budget: `python tests/structure/rooms.py`."""
import sys
from pathlib import Path

# Lines, about. A room without a figure has none yet.
BUDGET = {
    "backend": 250, "random": 150, "autograd": 450, "tensor": 400, "ops": 3000, "kernels/cpu": 1200,
    "kernels/cuda": 1500, "functional": 150, "nn": 2000, "optim": 600, "losses": 900, "models": 1500, "train": 900,
}


def room_of(path):
    """Return the room of a file, given its path inside tinygan/: "ops" for "ops/conv.py"."""
    parts = path.removesuffix(".py").split("/")
    return "/".join(parts[:2]) if parts[0] == "kernels" and parts[1] in ("cpu", "cuda") else parts[0]


def lines_per_room(package):
    """Return {room: lines} for the .py, .cu and .cuh files below the folder `package`."""
    lines = {}
    for file in sorted(package.rglob("*")):
        if file.suffix in (".py", ".cu", ".cuh"):
            room = room_of(file.relative_to(package).as_posix())
            lines[room] = lines.get(room, 0) + len(file.read_text(encoding="utf-8").splitlines())
    return lines


def table(lines):
    """Return the printed table of rooms, lines and budgets."""
    rows = []
    for room in [*BUDGET, *sorted(set(lines) - set(BUDGET))]:
        count, budget = lines.get(room, 0), BUDGET.get(room)
        over = "  over" if budget is not None and count > budget else ""
        rows.append(f"{room:<14}{count:>8}{'-' if budget is None else budget:>8}{over}")
    return "\n".join([f"{'room':<14}{'lines':>8}{'budget':>8}", *rows, f"{'total':<14}{sum(lines.values()):>8}"])


if __name__ == "__main__":
    sys.stdout.write(table(lines_per_room(Path(__file__).resolve().parents[2] / "tinygan")) + "\n")
