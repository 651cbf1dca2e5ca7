"""The settings of `scale.bare`, plain Django over one connection, with this view."""

from tests.benchmarks.scale.bare.settings import *  # noqa: F403 - but for the addresses

ROOT_URLCONF = "tests.benchmarks.reading.bare.urls"
