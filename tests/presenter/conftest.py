"""The cluster of the checkpoints' tests, at its beginning in each test."""

from tests.lessons.conftest import lab as lab
from tests.lessons.conftest import shared_lab as shared_lab
