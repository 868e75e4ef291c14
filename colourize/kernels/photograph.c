// Colours one strip of a photograph: interpolates coarse chroma along rows' weights, adds the detail of the lightness,
// converts to sRGB of the same luminance, and reduces chroma outside the gamut. Formulas: inference/upsampling.py,
// inference/space.py.
//
// R rows, W columns. Planes are coarse rows that are interpolated to W columns already.
#include <stdint.h>

#define BLOCK 256  // pixels that are computed together: their values stay in the first cache
#define STEPS 10   // of the bisection: the chroma is exact to 2^-10 of itself

struct weights {         // of coarse rows in each row
  const int64_t *first;  // [R], index of the first coarse row
  const float *values;   // [R, taps]
  int64_t taps, rows;    // number of weights, and of coarse rows in a plane
};

struct maths {  // constants of inference/space.py
  float by_a, by_b, edge, offset, unslope, of_x[3], of_z[3], low, high;
};

static void combined(const float *plane, struct weights of, int64_t row, int64_t width, int64_t left, int count,
                     float *sums) {
  const float *values = of.values + row * of.taps;
  for (int i = 0; i < count; i++) sums[i] = 0;
  for (int64_t tap = 0; tap < of.taps; tap++) {
    const float *source = plane + (of.first[row] + tap) * width + left, weight = values[tap];
    for (int i = 0; i < count; i++) sums[i] += weight * source[i];
  }
}

static inline float cube(float root, struct maths m) {
  return root > m.edge ? root * root * root : (root - m.offset) * m.unslope;
}

// Linear R, G, B of luminance, its root and (a, b).
static inline void linear(float light, float root, float a, float b, struct maths m, float *rgb) {
  float x = cube(root + a * m.by_a, m) - light, z = cube(root - b * m.by_b, m) - light;
  for (int c = 0; c < 3; c++) rgb[c] = light + m.of_x[c] * x + m.of_z[c] * z;
}

static inline int inside(const float *rgb, struct maths m) {
  int all = 1;
  for (int c = 0; c < 3; c++) all &= !(rgb[c] < m.low) & !(rgb[c] > m.high);
  return all;
}

// grey: [R, W] levels, uint8, or uint16 where `wide`; light, root: of each level; encoded: 8-bit sRGB of 65536 linear
// values; smooth: planes of a, b and L; slopes: planes of their slopes; colours: [R, W, 3].
// Returns the number of pixels outside the gamut.
int64_t coloured(const void *grey, int64_t wide, const float *light, const float *root, const uint8_t *encoded,
                 int64_t rows, int64_t width, const float *smooth, const struct weights *cubic, const float *slopes,
                 const struct weights *flat, const struct maths *constants, uint8_t *colours) {
  const struct maths m = *constants;
  int64_t outside = 0;
  for (int64_t row = 0; row < rows; row++) {
    for (int64_t left = 0; left < width; left += BLOCK) {
      int count = width - left < BLOCK ? (int)(width - left) : BLOCK;
      int64_t at = row * width + left;
      float y[BLOCK], f[BLOCK], a[BLOCK], b[BLOCK], low[BLOCK], by_a[BLOCK], by_b[BLOCK], rgb[3][BLOCK];
      uint16_t out[BLOCK];
      int outs = 0;

      if (wide) {
        const uint16_t *levels = (const uint16_t *)grey + at;
        for (int i = 0; i < count; i++) y[i] = light[levels[i]], f[i] = root[levels[i]];
      } else {
        const uint8_t *levels = (const uint8_t *)grey + at;
        for (int i = 0; i < count; i++) y[i] = light[levels[i]], f[i] = root[levels[i]];
      }
      combined(smooth, *cubic, row, width, left, count, a);
      combined(smooth + cubic->rows * width, *cubic, row, width, left, count, b);
      combined(smooth + 2 * cubic->rows * width, *cubic, row, width, left, count, low);
      combined(slopes, *flat, row, width, left, count, by_a);
      combined(slopes + flat->rows * width, *flat, row, width, left, count, by_b);
      for (int i = 0; i < count; i++) {
        float lost = 116.0f * f[i] - 16.0f - low[i], found[3];
        a[i] += by_a[i] * lost;
        b[i] += by_b[i] * lost;
        linear(y[i], f[i], a[i], b[i], m, found);
        for (int c = 0; c < 3; c++) rgb[c][i] = found[c];
      }

      uint8_t is_out[BLOCK];
      int any = 0;
      for (int i = 0; i < count; i++) {  // apart from the next loop, whose steps depend on each other: in vectors
        float found[3] = {rgb[0][i], rgb[1][i], rgb[2][i]};
        is_out[i] = !inside(found, m);
        any |= is_out[i];
      }
      if (any)  // most blocks have no such pixel
        for (int i = 0; i < count; i++) {
          out[outs] = (uint16_t)i;
          outs += is_out[i];
        }
      outside += outs;
      float share[BLOCK], step = 1;
      for (int o = 0; o < outs; o++) {  // packed: the loops below have no gaps
        int i = out[o];
        y[o] = y[i], f[o] = f[i], a[o] = a[i], b[o] = b[i], share[o] = 0;
      }
      for (int turn = 0; outs && turn < STEPS; turn++) {
        step /= 2;
        for (int o = 0; o < outs; o++) {
          float found[3], trial = share[o] + step;
          linear(y[o], f[o], a[o] * trial, b[o] * trial, m, found);
          share[o] += inside(found, m) ? step : 0;
        }
      }
      for (int o = 0; o < outs; o++) {
        float found[3];
        linear(y[o], f[o], a[o] * share[o], b[o] * share[o], m, found);
        for (int c = 0; c < 3; c++) rgb[c][out[o]] = found[c];
      }

      uint8_t *target = colours + 3 * at;
      int32_t places[3][BLOCK];  // of all channels first, so that the bytes of a pixel are written together
      for (int c = 0; c < 3; c++)
        for (int i = 0; i < count; i++) {  // NaN becomes 0
          float value = rgb[c][i] > 0 ? rgb[c][i] : 0;
          places[c][i] = (int32_t)((value < 1 ? value : 1) * 65535.0f + 0.5f);
        }
      for (int i = 0; i < count; i++)
        for (int c = 0; c < 3; c++) target[3 * i + c] = encoded[places[c][i]];
    }
  }
  return outside;
}
