#!/bin/bash
# Runs once in a new container: labkit from the lock, and kind where Docker is there.
set -euo pipefail
cd "$(dirname "$0")/.."

make .venv/.lab-is-set-up
if command -v docker >/dev/null && ! command -v kind >/dev/null; then
  .devcontainer/install-kind.sh || echo "kind could not be installed; the embedded cluster needs none." >&2
fi
.venv/bin/labkit doctor
