"""The family of certificates is one, whoever shows a certificate."""

from __future__ import annotations

from checks.network.certificate import NOT_AFTER
from checks.network.plan import family
from config.profiles.model import Metric
from config.profiles.vocabulary import FAMILIES


def test_what_profiles_say_of_certificates_is_the_common_family() -> None:
    metric = Metric.model_validate(FAMILIES["certificate_not_after_timestamp_seconds"])

    assert family(metric, ()) == NOT_AFTER
