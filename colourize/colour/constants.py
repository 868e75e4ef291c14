"""Constants of the colour spaces as plain tuples, for ``lab`` (torch) and for code that uses only numpy."""

# scikit-image's constants (sRGB primaries, D65 white, 2 degree observer, rounded CIE threshold and slope), for
# comparison with published figures. With these constants a neutral grey has |a|, |b| < 0.01 instead of 0.
XYZ_OF_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE = 0.95047, 1.0, 1.08883
THRESHOLD, SLOPE = 0.008856, 7.787

# Ottosson 2020, https://bottosson.github.io/posts/oklab
LMS_OF_RGB = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
OKLAB_OF_LMS = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)
