"""G.711 and the tone: the values of the standard, and what an ear of ours makes of payloads."""

from __future__ import annotations

import math
import random

import pytest

from checks.media.codec import Codec, encoded, samples, silence, tone
from checks.media.listening import Listening
from checks.media.report import Heard


def listened(codec: Codec, *payloads: bytes) -> Heard:
    listening = Listening(codec)
    for payload in payloads:
        listening.take(payload)
    return listening.heard


def sine(codec: Codec, hertz: float, amplitude: float, octets: int = 160) -> bytes:
    return encoded(codec, [round(amplitude * math.sin(2 * math.pi * hertz * at / 8000)) for at in range(octets)])


def test_the_values_are_those_of_the_standard() -> None:
    mu, a = samples(Codec.PCMU), samples(Codec.PCMA)

    assert (mu[0xFF], mu[0x7F], mu[0x80], mu[0x00], mu[0xFE]) == (0, 0, 32_124, -32_124, 8)
    assert (a[0xD5], a[0x55], a[0xAA], a[0x2A]) == (8, -8, 32_256, -32_256)
    assert len(set(a)) == 256 and len(set(mu)) == 255


@pytest.mark.parametrize("codec", list(Codec))
def test_every_value_is_encoded_as_itself(codec: Codec) -> None:
    values = list(samples(codec))

    assert [samples(codec)[octet] for octet in encoded(codec, values)] == values


@pytest.mark.parametrize("codec", list(Codec))
def test_our_tone_is_known_again_and_fits_a_packet_without_a_seam(codec: Codec) -> None:
    assert listened(codec, *[tone(codec)] * 20) is Heard.TONE
    assert tone(codec) == sine(codec, 1050, 4000, 320)[160:]


@pytest.mark.parametrize("codec", list(Codec))
def test_our_tone_is_known_again_when_it_is_fainter_or_noisy(codec: Codec) -> None:
    chance = random.Random(1)
    noisy = encoded(codec, [round(samples(codec)[octet] * 0.2 + chance.gauss(0, 200)) for octet in tone(codec)])

    assert listened(codec, *[noisy] * 20) is Heard.TONE


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("hertz", [350, 440, 697, 941, 950, 1100, 1209, 1400, 2100])
def test_other_tones_are_sound_and_not_ours(codec: Codec, hertz: float) -> None:
    assert listened(codec, *[sine(codec, hertz, 4000)] * 20) is Heard.SOUND


@pytest.mark.parametrize("codec", list(Codec))
def test_a_quiet_line_is_silence(codec: Codec) -> None:
    chance = random.Random(1)
    hum = encoded(codec, [round(chance.gauss(0, 20)) for _ in range(160)])

    assert listened(codec, *[silence(codec)] * 20) is Heard.SILENCE
    assert listened(codec, *[hum] * 20) is Heard.SILENCE


def test_a_click_is_no_sound_and_no_packet_is_nothing() -> None:
    assert listened(Codec.PCMA, *[tone(Codec.PCMA)] * 10, *[silence(Codec.PCMA)] * 200) is Heard.SILENCE
    assert listened(Codec.PCMA) is Heard.NOTHING


def test_packets_too_short_to_hear_anything_in_are_passed_over() -> None:
    assert listened(Codec.PCMA, *[tone(Codec.PCMA)[:20]] * 50) is Heard.SILENCE
    assert listened(Codec.PCMA, *[tone(Codec.PCMA)[:80]] * 50) is Heard.TONE
