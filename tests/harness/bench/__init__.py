"""`scripts/bench`: the toolkit beside other ways to run the same tests; see docs/benchmarks.md."""
