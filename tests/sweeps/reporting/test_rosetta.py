"""The Rosetta page: every adapter can be read beside every other, and the page is whole, safe and offline."""

import json
import re
from html.parser import HTMLParser

import pytest
from click.testing import CliRunner

from adapters import ADAPTERS, load_spec
from adapters.networks import load_network
from experiments.locations import PROJECT
from experiments.preparation import certificates
from experiments.trials.workload import workload_named
from experiments.verification.equivalence import Case, Result
from sweeps.cli import main
from sweeps.reporting import rosetta

CIFAR = workload_named("cifar10_cnn")
NETWORKS = [(name, network) for name in ADAPTERS for network in load_spec(name).models]
CNN = list(load_network("cnn").settings)
EMPTY = {"hr", "br", "meta"}


def source(name, network):
    module, implementation = load_spec(name).models[network].split(":")
    return PROJECT.joinpath(*module.split(".")).with_suffix(".py").read_text(), implementation


@pytest.mark.parametrize(("name", "network"), NETWORKS)
def test_every_adapter_has_the_same_sections_in_the_same_order(name, network):
    assert tuple(rosetta.sections(*source(name, network))) == rosetta.SECTIONS


@pytest.mark.parametrize(("name", "network"), NETWORKS)
def test_the_sections_hold_every_line_of_the_file_once(name, network):
    text, implementation = source(name, network)
    shown = "\n".join(rosetta.sections(text, implementation).values())
    headings = [f"# {section}" for section in rosetta.SECTIONS[1:]]
    assert sorted(words(shown)) == sorted(line for line in words(text) if line not in headings)


def words(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_tables_and_helpers_are_where_they_are_used():
    pytorch = rosetta.column("pytorch", CIFAR, PROJECT).sections
    assert "INITIALIZERS = {" in pytorch["Network"] and "INITIALIZERS = {" not in pytorch["Set-up"]
    assert pytorch["Loss"].startswith("def softmax_cross_entropy")
    assert pytorch["Set-up"].rstrip().endswith("self.step = self.build_step()")


def test_the_settings_of_a_section_are_those_that_its_code_looks_up():
    cntk = rosetta.column("cntk", CIFAR, PROJECT)
    assert cntk.decided("Optimizer") == ["momentum", "nesterov", "clip"] and cntk.native("momentum") == "unit_gain"
    assert cntk.decided("Loss") == ["loss"] and cntk.decided("Step") == []


class Balanced(HTMLParser):
    """Fails on a tag that is closed without having been opened, and knows what was left open, all links and all ids."""

    def __init__(self):
        super().__init__()
        self.open, self.links, self.ids, self.text = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.open += [] if tag in EMPTY else [tag]
        self.links += [value for key, value in attributes if key in ("href", "src")]
        self.ids += [value for key, value in attributes if key == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.text.append(data)


def parsed(page):
    reader = Balanced()
    reader.feed(page)
    reader.close()
    assert not reader.open
    return reader


@pytest.mark.parametrize("names", [["reference"], ["pytorch", "cntk"], list(ADAPTERS)], ids=len)
def test_the_page_is_whole_and_offline(names, tmp_path):
    page = rosetta.html([rosetta.column(name, CIFAR, tmp_path) for name in names], CIFAR)
    reader = parsed(page)
    assert len(reader.ids) == len(set(reader.ids)) and {f"setting-{name}" for name in CNN} <= set(reader.ids)
    assert reader.links and {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert not re.search(r"https?:|//\w+\.|url\(|@import|<script", page)
    text = "".join(reader.text)
    for name in names:
        assert f"rosetta verify --adapters {name} --workload cifar10_cnn" in text
        assert all(
            line in text
            for line in words(source(name, "cnn")[0])
            if line not in [f"# {one}" for one in rosetta.SECTIONS]
        )


def test_another_network_has_its_own_settings(tmp_path):
    gru = workload_named("imdb_gru")
    page = rosetta.html([rosetta.column(name, gru, tmp_path) for name in ("reference", "pytorch")], gru)
    assert "setting-reset" in parsed(page).ids and "setting-relu" not in page
    assert "rosetta verify --adapters pytorch --workload imdb_gru" in page


def test_hostile_names_and_code_are_escaped(tmp_path):
    evil = "<script>alert(1)</script>"
    spec = load_spec("pytorch")._replace(name=evil, framework=evil, python=evil)
    case = Result(evil, evil, Case(evil, evil, evil, evil, 20, 1e-12, 1e-12), {}, evil).as_dict()
    code = dict.fromkeys(rosetta.SECTIONS, f'print("{evil}")  # {evil}')
    page = rosetta.html([rosetta.Column(spec, evil, code, [case])], CIFAR)
    assert "<script" not in page and parsed(page).text.count(evil) >= 4


def test_a_stored_certificate_is_shown(tmp_path):
    path = certificates.path(load_spec("cntk"), CIFAR.model, "cpu", tmp_path)
    path.parent.mkdir()
    good = Result(
        "cntk",
        CIFAR.name,
        Case("", "", "float64", "narrow", 20, 1e-12, 1e-12),
        {"logits": 1e-15, "loss": 2e-15, "weights": 3e-15},
    )
    bad = Result(
        "cntk",
        CIFAR.name,
        Case("loss", "logits", "float32", "narrow", 20, 1e-6, 1e-7),
        {"logits": float("inf"), "loss": 0.0, "weights": 0.0},
    )
    for results, said in (([good], "All 1 cases agree"), ([good, bad], "1 of 2 cases do not agree")):
        path.write_text(json.dumps([result.as_dict() for result in results]))
        page = rosetta.html([rosetta.column("cntk", CIFAR, tmp_path)], CIFAR)
        assert (
            said in page
            and "1.0e-15, 2.0e-15, 3.0e-15" in page
            and ("1e-06, weights 1e-07" in page) == (bad in results)
            and "Not verified" not in page
        )


def rosetta_verb(tmp_path, *arguments):
    return CliRunner().invoke(main, ["rosetta", *arguments, "--home", str(tmp_path)])


def test_the_verb_writes_the_page(tmp_path):
    done = rosetta_verb(tmp_path, "pytorch", "cntk", "pytorch", "--json")
    assert done.exit_code == 0, done.stderr
    said = json.loads(done.stdout)
    assert (
        said["adapters"] == ["pytorch", "cntk"]
        and said["network"] == "cnn"
        and set(said["verified"]) == {"pytorch", "cntk"}
    )
    assert said["page"] == str(tmp_path / "rosetta" / "cnn-pytorch-cntk.html")
    assert "Trainer" in (tmp_path / "rosetta" / "cnn-pytorch-cntk.html").read_text()
    done = rosetta_verb(tmp_path, "chainer", "--output", str(tmp_path / "deep" / "page.html"))
    assert done.exit_code == 0 and (tmp_path / "deep" / "page.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pytroch"], "unknown adapter 'pytroch'. Did you mean 'pytorch'?"),
        ([], "Missing argument"),
        (["pytorch", "--workload", "mnist"], "unknown workload 'mnist'"),
        (["pytorch", "--output", "/dev/null/page.html"], "can't be written"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path, arguments, said):
    done = rosetta_verb(tmp_path, *arguments)
    assert done.exit_code == 2 and said in done.stderr and done.stdout == ""
