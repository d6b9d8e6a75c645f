"""Command templates: the shipped ones are sound, and what is wrong with one is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.commands import EXEC, SHIPPED, CommandError, dialect, load, names, search_path

HEAD = "command: own\ntitle: Own\nsource: us\nchanges: nothing\nharmless: it only reads\n"
GOOD = "run: df -P -- {mount}\nexpect: '^/'\nparameters: {mount: {title: mount point, pattern: '/[a-z]{0,20}'}}\n"

CHOOSING = """run: cat /proc/mdstat
parameters: {array: {title: the array, pattern: "md[0-9]{1,3}"}}
values: {state: {title: state, find: "^{array} : (?P<value>[a-z]+)", transform: text}}
"""


def loaded(directory: Path, text: str, head: str = HEAD) -> str:
    """What the loader says of a template of that text; empty when it is content."""
    (directory / "own.yaml").write_text(head + text)
    load.cache_clear()
    try:
        load("own", (directory, SHIPPED))
    except CommandError as error:
        return str(error).replace(str(directory), "")
    return ""


@pytest.mark.parametrize("name", names((SHIPPED,)))
def test_a_shipped_template_loads_and_says_why_it_is_harmless(name: str) -> None:
    template = load(name, (SHIPPED,))

    assert template.changes == "nothing"
    assert len(template.harmless) > 20


@pytest.mark.parametrize("name", names((SHIPPED,), "dialects"))
def test_a_shipped_dialect_loads(name: str) -> None:
    assert dialect(name, (SHIPPED,)).begins


def test_what_nobody_proved_says_so() -> None:
    unproven = [name for name in names((SHIPPED,)) if not load(name, (SHIPPED,)).proven]

    assert unproven == [
        "asa-deny-line", "asa-packet-tracer", "cisco-version", "fortios-status", "junos-match-policies"
    ]  # fmt: skip


def test_a_parameter_may_choose_among_the_lines_instead_of_standing_in_the_command(tmp_path: Path) -> None:
    unused = CHOOSING.replace("^{array} :", "^md0 :")

    assert "parameters.array does not stand in `run`" in loaded(tmp_path, unused)
    assert loaded(tmp_path, CHOOSING) == ""


def test_a_good_template_is_taken(tmp_path: Path) -> None:
    assert loaded(tmp_path, GOOD) == ""
    assert load("own", (tmp_path, SHIPPED)).shell == EXEC


LINES = (
    "df | sh", "df; reboot", "df & reboot", "df > /etc/passwd", "df < x", "df $(reboot)", "df `reboot`", "df $HOME",
    "df ~root", "df *", "df ?", "df [a]", "df \\x", "df (x)", "df # x", "df !x", 'df "x"', "df 'x", " df", "df ",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_is_one_command_without_a_shell_s_marks(tmp_path: Path, line: str) -> None:
    said = loaded(tmp_path, f"run: {line!r}\nexpect: x\n" if "'" not in line else f'run: "{line}"\nexpect: x\n')

    assert said.startswith("/own.yaml:6:6: run: is one command with its words"), said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run: df '{mount}'", "run: {mount} must be a word of its own"),
        ("run: df '-P {mount} x'", "run: a parameter may not stand between quotes"),
        ("run: df --of={mount}", "run: {mount} must be a word of its own"),
        ("run: df", "parameters.mount does not stand in `run`"),
        ("run: df {mount} {other}", "run: {other} is not among the parameters"),
        ("run: {mount} -x", "run: is one command with its words"),
    ],
)
def test_a_parameter_is_a_word_of_its_own(tmp_path: Path, text: str, says: str) -> None:
    assert says in loaded(tmp_path, GOOD.replace("run: df -P -- {mount}", f'run: "{text[5:]}"'))


DANGEROUS = " \t\n\r\0\"'$`;|&<>(){}[]\\*?!#~%=^\x1b\x7f"


@pytest.mark.parametrize("mark", [*DANGEROUS, "é", "\u202e"], ids=lambda mark: f"U+{ord(mark):04X}")
def test_a_pattern_that_lets_a_dangerous_character_through_is_refused(tmp_path: Path, mark: str) -> None:
    spelt = {"\n": "\\s", "\r": "\\s", "\0": "\\W", "\x1b": "\\D", "\x7f": "\\W", "\t": "\\t", "\u202e": "\\S"}
    written = spelt.get(mark, f"\\{mark}" if mark.isascii() else mark).replace("'", "''")

    for pattern in (written, f"/[a-z{written}]{{0,9}}", f"a(b|{written})c"):
        said = loaded(tmp_path, GOOD.replace("/[a-z]{0,20}", pattern))

        assert "lets through what a shell may read as its own" in said, said


@pytest.mark.parametrize("pattern", ["-", "-?a", "[a-z-]{1,9}", "(x|-y)", "(?:-)?z", "[+-]"])
def test_a_pattern_that_may_begin_with_a_hyphen_is_refused(tmp_path: Path, pattern: str) -> None:
    said = loaded(tmp_path, GOOD.replace("/[a-z]{0,20}", pattern))

    assert "may begin with a hyphen" in said


@pytest.mark.parametrize("pattern", [".", ".*", r"\S+", "[^;]+", r"(a+)+", r"\W", "(?=a)b"])
def test_a_pattern_of_anything_is_refused(tmp_path: Path, pattern: str) -> None:
    assert "/own.yaml:8:" in loaded(tmp_path, GOOD.replace("/[a-z]{0,20}", pattern))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("run: df", "/own.yaml:1:1: says nothing: give it `values`, `expect` or `not_expect`"),
        ("run: df\nexpct: x", "/own.yaml:7:8: expct: 'expct' is not a key that may stand here"),
        ("run: df\nexpect: '(?=a)'", "/own.yaml:7:9: expect: '(?=a)' is no regular expression (RE2)"),
        ("run: df\nvalues: {a: {title: a, find: '[0-9]+'}}", "/own.yaml:7:30: values.a.find: has one named group"),
        ("run: df\nvalues: {a: {title: a}}", "/own.yaml:7:10: values.a: a value has either `find` or `ratio`"),
        ("run: df\nvalues: {run: {title: a, find: '(?P<value>a)'}}", "a value may not be called 'run'"),
        (
            "run: df\nvalues: {a: {title: a, ratio: {of: b, to: c}}}",
            "/own.yaml:7:24: values.a.ratio: there is no number called 'b' beside it",
        ),
        (
            "run: df\nvalues: {a: {title: a, find: '(?P<value>a)', transform: text, warning: {above: 1}}}",
            "text has no limits and no metric",
        ),
        ("run: df\nshell: exce\nexpect: x", "there is no dialect 'exce'"),
        ("run: reload\nshell: cisco-ios\nexpect: x", "with the dialect cisco-ios a command begins with show"),
        ("run: show 'x'\nshell: cisco-ios\nexpect: x", "run: is one command with its words"),
        ("run: df\nexpect: x\nmay_be_empty: true", "an output that may be empty cannot be expected"),
        (GOOD.replace("title: mount point,", "title: m, default: '/;',"), "holds what may not stand in a command: ;"),
    ],
    ids=["nothing", "key", "pattern", "group", "value", "name", "ratio", "text", "dialect", "begins", "quotes", "empty",
         "default"],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    assert says in loaded(tmp_path, text)


@pytest.mark.parametrize("word", ["a_little", "configuration", ""])
def test_a_template_that_changes_anything_is_refused(tmp_path: Path, word: str) -> None:
    said = loaded(tmp_path, GOOD, HEAD.replace("changes: nothing", f"changes: '{word}'"))

    assert "/own.yaml:4:10: changes: Input should be 'nothing'" in said


def test_a_template_that_does_not_say_why_it_is_harmless_is_refused(tmp_path: Path) -> None:
    said = loaded(tmp_path, GOOD, HEAD.replace("harmless: it only reads\n", ""))

    assert "harmless: Field required" in said


def test_a_template_stands_in_a_file_of_its_name(tmp_path: Path) -> None:
    assert "command: 'other' stands in a file for 'own'" in loaded(tmp_path, GOOD, HEAD.replace(": own", ": other"))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(CommandError, match="no command template 'disk-usag'; did you mean 'disk-usage'"):
        load("disk-usag", (SHIPPED,))


@pytest.mark.parametrize("name", ["../outside", "dialects/generic", "/etc/passwd", "."])
def test_a_name_may_not_climb_out_of_the_directories(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.yaml").write_text(HEAD + GOOD)
    (tmp_path / "inside").mkdir()

    with pytest.raises(CommandError, match="there is no command template"):
        load(name, (tmp_path / "inside", SHIPPED))


def test_a_link_out_of_the_directories_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(HEAD + GOOD)
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "own.yaml").symlink_to(tmp_path / "own.yaml")

    with pytest.raises(CommandError, match="there is no command template"):
        load("own", (tmp_path / "inside",))


def test_one_s_own_directories_come_first(tmp_path: Path) -> None:
    assert search_path({"RIDGEWAY_COMMANDS": f"{tmp_path}:/srv/commands"}) == (tmp_path, Path("/srv/commands"), SHIPPED)
