"""Kernels in C, which do in one pass over memory what torch and numpy do in several; the C library's memory."""
