"""The map of the lectures: complete, its page up to date, and every target of a built statement exists."""
import ast
import functools
import shlex
from pathlib import Path

import pytest

from tinygan import gans, theory
from tinygan.cli.program import parser
from tinygan.metrics import METRICS
from tinygan.theory import errata, lecture_map

ROOT = Path(__file__).resolve().parents[2]

# The 48 lines of "The GAN ZOO" (deck 000), and what else the decks name: the name on its slide, and its system.
ZOO = """GAN L02, 3D-GAN N01, acGAN Z01, AC-GAN C02, AdaGAN A16, AEGAN E03, AffGAN Z10, AL-CGAN Z07, ALI E01,
AM-GAN C07, AnoGAN E05, ArtGAN Z08, b-GAN L05, Bayesian GAN E09, BEGAN L11, BiGAN E02, BS-GAN L06, CGAN C01,
CaloGAN N03, CCGAN C06, CatGAN C05, CoGAN X05, Context-RNN-GAN N06, C-RNN-GAN N05, CS-GAN N07, CVAE-GAN E08,
CycleGAN X02, DTN X07, DCGAN A02, DiscoGAN X03, DR-GAN Z02, DualGAN X04, EBGAN L10, f-GAN L04, FF-GAN Z03, GAWWN Z04,
GeneGAN Z09, Geometric GAN L09, GoGAN L15, GP-GAN Z05, IAN E07, iGAN E06, IcGAN E04, ID-CGAN Z06, Improved GAN A17,
InfoGAN C08, LAGAN N04, LAPGAN A04"""
NAMED = """VAE T02, Boltzmann machine T01, Normalizing Flow T01, Autoregressive T01, LSGAN L03, WGAN L07, WGAN-GP L08,
Gradient norm penalty R02, MMD-GAN L13, Fisher-GAN L14, Mini-Batch GAN R09, features f of the discriminator L16,
SN-GAN R04, SAGAN A06, spectral norm in the generator R05, Instance noise R06, R1 R03, R2 R03, BigGAN A09,
Truncation A10, Skip-z A11, projection A12, Hinge loss L09, Class-conditional batch norm R12,
orthogonal weight initialisation R17, off-diagonal R18, ProGAN A05, pixel norm R21, StyleGAN A07, StyleGAN2 A08,
Weight demodulation R14, Path length R15, Lazy R16, AdaIN R13, pix2pix X01, U-Net X01, SRGAN X08, Demixing GAN X09,
Denoising GAN X09, face ageing Z01, text-to-image C09, SGAN C03, Semi-supervised GAN C04, ganhacks A14, PGN N08,
domain adaptation X06, Inception Score M01, FID M02, class leakage M06, 3D-VAE-GAN N02, Dirac-GAN T17"""


def names(text):
    """[(name, system)] of the tables above."""
    return [tuple(item.strip().rsplit(" ", 1)) for item in text.replace("\n", " ").split(",")]


def targets():
    """Everything that is said to be built: statements and systems."""
    found = [line.target for line in lecture_map.lines() if line.status == "built"]
    return {(t.command, t.file, t.test): t for t in (*found, *lecture_map.systems().values()) if t.built}


@functools.cache
def known_tests(path):
    """The names of the test functions in a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def problems(target):
    """What is wrong with the command, file and test of something built: one line each."""
    found = [f"no file {target.file}"] if not (ROOT / target.file).is_file() else []
    path, _, function = target.test.partition("::")
    if not (ROOT / path).is_file() or not Path(path).name.startswith("test_"):
        found.append(f"no test {path}")
    elif function and function not in known_tests(path) or not known_tests(path):
        found.append(f"no test {target.test}")
    return found + (unknown(target.command) if target.command else [])


def unknown(command):
    """What is wrong with a command line: one line, or none."""
    program, *words = shlex.split(command)
    if program == "python":
        return unknown_run(command, *words)
    try:
        args = parser().parse_args(words)
    except SystemExit:
        return [f"not a command: {command}"]
    if program != "tinygan":
        return [f"not a command of tinygan: {command}"]
    known = {"train": lambda: gans.RECIPES[args.recipe].resolved((1, 28, 28), **dict(args.settings or ())),
             "evaluate": lambda: [METRICS[name] for name in args.metrics.split(",")],
             "theory": lambda: errata.find(args.number) if args.name == "errata" else theory.find(args.name)}
    try:
        known.get(words[0], lambda: None)()
    except (KeyError, ValueError) as error:
        return [f"{command}: {error}"]
    return []


def unknown_run(command, script, group, number):
    """The same for an acceptance run: ``python benchmarks/systems/run.py GROUP NUMBER``."""
    file = (ROOT / script).with_name(f"{group}.py")
    if not (ROOT / script).is_file() or not file.is_file():
        return [f"no such script or group: {command}"]
    return [] if f'@system("{number}"' in file.read_text(encoding="utf-8") else [f"no system {number}: {command}"]


def test_every_target_exists():
    found = [f"{target.number} {target.title}: {problem}" for target in targets().values()
             for problem in problems(target)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("command, file, test", [
    ("tinygan theory bilinear-game", "tinygan/theory/no_such.py", "tests/test_errata.py"),
    ("tinygan theory bilinear-game", "tinygan/theory/errata.py", "tests/test_no_such.py"),
    ("tinygan theory bilinear-game", "tinygan/theory/errata.py", "tests/test_errata.py::test_no_such"),
    ("tinygan theory bilinear-game", "tinygan/theory/errata.py", "tinygan/theory/errata.py"),
    ("tinygan theory no-such-entry", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("tinygan theory errata 9.99", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("tinygan train no-such-gan", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("tinygan train gan --set no_such=1", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("tinygan evaluate runs/a --metrics no-such-score", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("python benchmarks/systems/run.py ablations Z99", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("python benchmarks/systems/run.py no-such-group A13", "tinygan/theory/errata.py", "tests/test_errata.py"),
    ("tinygan no-such-command", "tinygan/theory/errata.py", "tests/test_errata.py"),
])
def test_a_target_that_does_not_exist_is_found(command, file, test, capsys):
    assert len(problems(lecture_map.System("T00", "made up", command, file, test))) == 1


def test_the_page_is_the_one_that_is_generated():
    assert lecture_map.PAGE.read_text(encoding="utf-8") == lecture_map.markdown(), (
        f"MAP.md is not what the data give; write it again: {lecture_map.REGENERATE}")


def test_the_readme_links_the_page():
    assert "(tinygan/theory/MAP.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_statements_name_systems_and_corrections_that_exist():
    for line in lecture_map.lines():
        assert line.deck in lecture_map.DECKS and line.kind in lecture_map.KINDS and line.slide and line.what, line
        assert (line.nothing is None) == bool(line.systems), f"expected systems or a reason why not: {line}"
        assert set(line.systems) <= set(lecture_map.systems()), line
        assert set(line.errata) <= set(errata.errata()), line


def test_every_correction_stands_at_its_slides():
    rows = [(line.deck, line.slide, number) for line in lecture_map.lines() for number in line.errata]
    slides = {(line.deck, line.slide) for line in lecture_map.lines()}
    for number, row in errata.errata().items():
        for deck, _, slide in (slide.partition(": ") for slide in row.slides):
            assert deck == "paper" or (deck, slide) in slides, f"{number}: no slide {deck}: {slide} in the map"
            assert deck == "paper" or any(r[0] == deck and r[2] == number for r in rows), f"{number}: not in {deck}"


def test_corrections_that_wait_for_a_system_wait_for_one_that_is_not_built():
    waiting = {row.number: row.unchecked.split()[2] for row in errata.errata().values()
               if (row.unchecked or "").startswith("waits for ")}
    late = {number: system for number, system in waiting.items() if lecture_map.systems()[system].built}
    assert waiting and not late, f"these can have a check now: {late}"


def test_slides_are_in_one_piece_and_statements_are_stated_once():
    runs = [line for line, before in zip(lecture_map.lines(), (None, *lecture_map.lines()))
            if before is None or (before.deck, before.slide) != (line.deck, line.slide)]
    assert len({(line.deck, line.slide) for line in runs}) == len(runs)
    statements = [(line.deck, line.slide, line.what) for line in lecture_map.lines()]
    assert len(set(statements)) == len(statements)


def test_the_zoo_has_48_lines_each_with_a_row_of_its_own():
    zoo = [line for line in lecture_map.lines() if line.slide == "The GAN ZOO"]
    assert len(names(ZOO)) == 48
    for name, system in names(ZOO):
        rows = [line for line in zoo if line.what == name or line.what.startswith(f"{name} - ")]
        assert len(rows) == 1 and rows[0].kind == "system" and rows[0].systems[0] == system, (name, rows)


@pytest.mark.parametrize("name, system", names(NAMED))
def test_what_the_decks_name_elsewhere_has_a_row(name, system):
    rows = [line for line in lecture_map.lines() if name.lower() in line.what.lower() and system in line.systems]
    assert rows, f"expected a statement that names {name} and leads to {system}"


def test_every_system_is_mentioned_and_only_magan_is_beyond_the_decks():
    mentioned = {number for line in lecture_map.lines() for number in line.systems}
    assert set(lecture_map.systems()) - mentioned == {"L12"}
    assert len(lecture_map.systems()) == 134


def test_every_entry_of_theory_is_in_the_map():
    for number, entry in theory.entries().items():
        assert lecture_map.systems()[number].command == f"tinygan theory {entry.name}", (
            f"{number}: expected command, file and test in tinygan/theory/systems.json, then {lecture_map.REGENERATE}")


def test_a_planned_statement_becomes_built_by_its_systems_line():
    line = lecture_map.Line("000", "a slide", "system", "a GAN", systems=("E01",))
    assert line.status == ("built" if lecture_map.systems()["E01"].built else "planned")
    built = lecture_map.Line("000", "a slide", "system", "a GAN", systems=("E01",), file="a.py", test="test_a.py")
    assert built.status == "built" and built.target.number == "E01"
    assert lecture_map.Line("000", "a slide", "reference", "a paper", nothing="a reference").status == "nothing to run"
