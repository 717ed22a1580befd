"""The exercises, in order."""

from labkit.grading.task import Exercise
from labkit.grading.tasks.api_server import API_SERVER
from labkit.grading.tasks.cluster_roles import CLUSTER_ROLES
from labkit.grading.tasks.final import FINAL
from labkit.grading.tasks.inside_a_pod import INSIDE_A_POD
from labkit.grading.tasks.roles import ROLES
from labkit.grading.tasks.service_accounts import SERVICE_ACCOUNTS

EXERCISES: tuple[Exercise, ...] = (API_SERVER, INSIDE_A_POD, SERVICE_ACCOUNTS, ROLES, CLUSTER_ROLES, FINAL)

__all__ = ["EXERCISES"]
