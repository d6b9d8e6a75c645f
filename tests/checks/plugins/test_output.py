"""The parts of a plug-in's output, and what is taken out of it."""

import pytest

from checks.plugins.output import Output, harmless, masked, parted


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("", Output("", "", "")),
        ("OK\n", Output("OK", "", "")),
        ("OK - fine | a=1\n", Output("OK - fine", "", "a=1")),
        ("OK|a=1 b=2", Output("OK", "", "a=1 b=2")),
        ("OK | a=1\nmore\nyet more | b=2\nc=3\n d=4 \n", Output("OK", "more\nyet more", "a=1 b=2 c=3 d=4")),
        ("OK\nmore\n", Output("OK", "more", "")),
        ("| a=1", Output("", "", "a=1")),
        ("\n\nOK\nmore", Output("OK", "more", "")),
    ],
)
def test_text_and_performance_data_of_all_lines_are_parted(text, output):
    assert parted(text) == output


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mCRITICAL\x1b[0m", "CRITICAL"),
        ("\x1b]0;your shell\x07OK", "OK"),
        ("\x1b]8;;http://x.test\x1b\\here\x1b]8;;\x1b\\", "here"),
        ("a\0b\x08c\x7f", "a b c "),
        ("a\u202eb\u2066c", "a b c"),
        ("one\r\ntwo\ttabbed", "one\ntwo\ttabbed"),
        ("\x1b", " "),
        ("\x1b(B", ""),
    ],
)
def test_escape_sequences_and_control_characters_are_taken_out(text, shown):
    assert harmless(text) == shown


def test_a_long_escape_sequence_without_end_costs_no_time():
    text = "\x1b]" * 20_000

    assert "\x1b" not in harmless(text)


def test_secrets_are_masked_wherever_they_stand():
    assert (
        masked("login with hunter2 failed: hunter2!", ["hunter2"], cut=False) == "login with [secret] failed: [secret]!"
    )


def test_the_longer_of_two_secrets_is_masked_first():
    assert masked("abcdef abc", ["abc", "abcdef"], cut=False) == "[secret] [secret]"


def test_the_beginning_of_a_secret_at_the_cut_is_masked_too():
    assert masked("token=hunter", ["hunter22"], cut=True) == "token=[secret]"
    assert masked("token=hunter", ["hunter22"], cut=False) == "token=hunter"
