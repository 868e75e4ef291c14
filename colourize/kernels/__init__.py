"""Kernels in C, which make one pass over memory where torch and numpy make several; settings of the C library."""
