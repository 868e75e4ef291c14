"""Kernels in C for training on a CPU, which do in one pass over memory what torch does in several."""
