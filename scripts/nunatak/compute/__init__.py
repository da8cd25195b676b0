"""Compile kernels, estimate robustly, run work in threads, and tell which code a script reaches."""
