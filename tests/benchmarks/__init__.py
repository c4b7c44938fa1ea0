"""Benchmarks that compare times side by side: `make bench`. No test holds a time (docs/performance.md)."""
