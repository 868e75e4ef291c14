// Kernels over rows of adjacent channels (channels-last memory) in one pass each, for float and bfloat16 values.
//
// R rows (pixels), C channels or K colours. `work` is room for sums: each thread has its own, and they are added in
// the order of the threads, so that the same number of threads gives the same bits.
#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 32    // of cross-entropy, converted together
#define WIDE 128   // least length of an inner loop: rows with few channels are taken several at a time
#define MANY (1 << 20)  // values from which on a second thread pays
#define BLOCK 128  // such pieces are added in single precision before they go to double

typedef uint16_t bf16;

static inline float of_f32(float v) { return v; }
static inline float to_f32(float v) { return v; }

static inline float of_bf16(bf16 v) {
  uint32_t bits = (uint32_t)v << 16;
  float f;
  memcpy(&f, &bits, 4);
  return f;
}

static inline bf16 to_bf16(float f) {  // to nearest, ties to even; NaN stays NaN
  uint32_t bits;
  memcpy(&bits, &f, 4);
  uint32_t near = (bits + 0x7fffu + ((bits >> 16) & 1)) >> 16;
  return (bits & 0x7fffffffu) > 0x7f800000u ? (bf16)((bits >> 16) | 0x40) : (bf16)near;
}

// e^z for z <= 0, to 2e-7 relative (the polynomial of Cephes' expf); NaN stays NaN.
static inline float power(float z) {
  z = z < -87.0f ? -87.0f : z;
  float n = rintf(z * 1.44269504f);
  float f = z - n * 0.693359375f + n * 2.12194440e-4f;
  float v = 1.9875691500e-4f;
  v = v * f + 1.3981999507e-3f;
  v = v * f + 8.3334519073e-3f;
  v = v * f + 4.1665795894e-2f;
  v = v * f + 1.6666665459e-1f;
  v = v * f + 5.0000001201e-1f;
  v = v * f * f + f + 1.0f;
  int32_t bits = ((int32_t)n + 127) << 23;
  float two;
  memcpy(&two, &bits, 4);
  return v * two;
}

#define T float
#define OF of_f32
#define TO to_f32
#define NAME(function) function##_f32
#include "rows.inc"
#undef T
#undef OF
#undef TO
#undef NAME

#define T bf16
#define OF of_bf16
#define TO to_bf16
#define NAME(function) function##_bf16
#include "rows.inc"

// Whether all values are finite: their exponents are not all ones. `tensors` are `number` arrays of `counts` values.
int finite_f32(const float *const *tensors, const int64_t *counts, int64_t number, int threads) {
  int64_t total = 0;
  for (int64_t i = 0; i < number; i++) total += counts[i];
  int odd = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(| : odd) if (total > MANY)
  for (int64_t i = 0; i < number; i++) {
    int found = 0;
    for (int64_t j = 0; j < counts[i]; j++) {
      uint32_t bits;
      memcpy(&bits, &tensors[i][j], 4);
      found |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    odd |= found;
  }
  return !odd;
}
