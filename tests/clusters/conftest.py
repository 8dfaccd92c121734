"""The cluster tests: collected by ``make test-clusters`` only, for they start whole clusters."""

import os

collect_ignore_glob = [] if os.environ.get("CLUSTER_TESTS") else ["*"]
