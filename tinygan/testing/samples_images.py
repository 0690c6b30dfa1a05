"""Samples of operations on images: padding, windows, pooling, resizing, sampling, filtering, modulation."""

from tinygan.testing.samples import A, S

LAST, SLICED, D = dict(memory="last"), dict(memory="sliced"), dict(kind="distinct")

SAMPLES = []
for _mode in ("reflect", "replicate", "circular"):
    SAMPLES += [
        S("pad", A(2, 2, 5), (2, 3), _mode), S("pad", A(1, 2, 4, 3, **LAST), (1, 2, 3, 0), _mode),
        S("pad", A(1, 1, 3, 2, 4, **SLICED), (3, 1, 1, 1, 0, 2), mode=_mode), S("pad", A(0, 2, 3), (1, 1), _mode),
        S("pad", A(2, 3, 4, memory="reversed"), (0, 2), _mode)]
SAMPLES += [
    S("pad", A(2, 2, 4, 3), (-1, 2, 3, -1), "reflect"), S("pad", A(2, 2, 5), (-2, -1), "replicate"),
    S("pad", A(2, 2, 5), (6, 7), "replicate"),
]

for _shape, _how in (((2, 3, 5, 4), (2,)), ((1, 2, 5, 6), ((3, 2), 1, (1, 2), (2, 1))), ((2, 1, 6, 5), (2, 2, 1, 3)),
                     ((0, 2, 4, 4), (3,)), ((1, 3, 4, 4), ((2, 3), (2, 1), 1))):
    SAMPLES += [S("unfold", A(*_shape), *_how), S("unfold", A(*_shape, **LAST), *_how)]
SAMPLES += [
    S("unfold", A(2, 2, 5, 5, **SLICED), kernel_size=2, stride=3),
    S("fold", A(2, 12, 12), (5, 4), 2), S("fold", A(1, 12, 27), (5, 6), (3, 2), 1, (1, 2), (2, 1)),
    S("fold", A(2, 4, 4), (6, 5), 2, 2, 1, 3), S("fold", A(0, 18, 4), 4, 3),
    S("fold", A(2, 8, 4, **SLICED), 5, 2, 1, 0, 3),
    S("locally_connected2d", A(2, 3, 4, 5), A(2, 3, 2, 3, 3, 3), A(2, 3, 3)),
    S("locally_connected2d", A(1, 2, 5, 5), A(3, 2, 3, 3, 3, 3), None, 2, 1),
    S("locally_connected2d", A(2, 1, 6, 4, **LAST), A(2, 1, 2, 1, 2, 4), A(2, 2, 4), stride=(3, 1), dilation=(2, 1)),
    S("locally_connected2d", A(0, 2, 3, 3), A(1, 2, 2, 2, 2, 2), A(1, 2, 2)),
    S("locally_connected2d", A(2, 2, 3, 3, **SLICED), A(2, 2, 3, 3, 1, 1), A(2, 1, 1, memory="reversed")),
    S("locally_connected2d", A(1, 1, 2, 3), A(2, 1, 1, 1, 2, 3)),
]

for _n, _size in ((1, (7,)), (2, (6, 5)), (3, (4, 3, 5))):
    _avg, _max, _x = f"avg_pool{_n}d", f"max_pool{_n}d", A(1, 2, *_size, **D)
    SAMPLES += [
        S(_avg, _x, 2, ceil_mode=True), S(_avg, _x, 3, 2, 1, True), S(_avg, _x, 3, 2, 1, True, False),
        S(_avg, A(2, 1, *_size, **LAST), 2, 3, ceil_mode=True),
        S(_max, _x, 2, ceil_mode=True), S(_max, _x, 3, 2, 1, 1, True, True), S(_max, _x, 2, 2, 1, ceil_mode=True),
        S(_max, A(2, 1, *_size, **D, **LAST), 2, return_indices=True), S(_max, _x, 2, 3, ceil_mode=True)]
    if _n > 1:
        SAMPLES += [S(_avg, _x, 2, divisor_override=3), S(_avg, _x, 3, 2, 1, True, divisor_override=-2),
                    S(_max, _x, 2, 1, 0, (2, 1, 1)[:_n])]
    _out = (3, 2, 4)[:_n]
    for _op in (f"adaptive_avg_pool{_n}d", f"adaptive_max_pool{_n}d"):
        SAMPLES += [
            S(_op, A(2, 2, *_size, **D), 3 if _n < 3 else 2), S(_op, A(1, 2, *_size, **D, **LAST), _out),
            S(_op, A(0, 2, *_size, **D), 2), S(_op, A(1, 3, *_size, **D, **SLICED), 1),
            S(_op, A(1, 2, *_size, **D), (None, *_out[1:])), S(_op, A(1, 1, *_size, **D), tuple(m + 2 for m in _size))]
    SAMPLES += [S(f"adaptive_max_pool{_n}d", A(2, 2, *_size, **D), _out, True)]

for _how in (dict(size=(4, 7)), dict(size=(2, 3)), dict(scale_factor=1.7), dict(scale_factor=(0.6, 2.0)),
             dict(scale_factor=0.6, recompute_scale_factor=True)):
    for _mode in (dict(mode="nearest-exact"), dict(mode="bilinear"), dict(mode="bilinear", align_corners=True),
                  dict(mode="bicubic"), dict(mode="bicubic", align_corners=True), dict(mode="area"),
                  dict(mode="bilinear", antialias=True), dict(mode="bicubic", antialias=True),
                  dict(mode="bilinear", antialias=True, align_corners=True)):
        SAMPLES += [S("interpolate", A(1, 2, 5, 4), **_how, **_mode)]
SAMPLES += [
    S("interpolate", A(2, 2, 7), scale_factor=0.4, mode="linear"), S("interpolate", A(1, 1, 3, 4, 2), 3, mode="area"),
    S("interpolate", A(1, 1, 2, 3, 4), (3, 2, 5), mode="trilinear", align_corners=True),
    S("interpolate", A(2, 2, 5, 3, **LAST), 4, mode="bicubic"), S("interpolate", A(2, 3, 5), 7, mode="nearest-exact"),

    S("pixel_shuffle", A(2, 4, 3, 2), 2), S("pixel_shuffle", A(1, 9, 2, 1), 3), S("pixel_shuffle", A(2, 3, 2, 2), 1),
    S("pixel_shuffle", A(2, 8, 2, 3, **LAST), 2), S("pixel_shuffle", A(0, 4, 2, 2), 2),
    S("pixel_shuffle", A(4, 1, 2), 2),
    S("pixel_unshuffle", A(2, 1, 4, 6), 2), S("pixel_unshuffle", A(1, 2, 3, 6), 3),
    S("pixel_unshuffle", A(1, 2, 2, 3), 1),
    S("pixel_unshuffle", A(2, 2, 4, 2, **LAST), 2), S("pixel_unshuffle", A(0, 1, 4, 4), 2),
    S("pixel_unshuffle", A(2, 2, 4, **SLICED), 2),

    S("affine_grid", A(2, 2, 3), (2, 1, 3, 4)), S("affine_grid", A(2, 2, 3), (2, 3, 4, 2), True),
    S("affine_grid", A(1, 3, 4), (1, 2, 2, 3, 4)), S("affine_grid", A(2, 3, 4), (2, 1, 3, 1, 2), align_corners=True),
    S("affine_grid", A(0, 2, 3), (0, 1, 2, 2)), S("affine_grid", A(1, 2, 3, memory="reversed"), [1, 1, 5, 1]),
]

for _pad in ("zeros", "border", "reflection"):
    for _corners in (False, True):
        _rest = dict(padding_mode=_pad, align_corners=_corners)
        SAMPLES += [S("grid_sample", A(2, 2, 4, 5), A(2, 3, 2, 2), **_rest),
                    S("grid_sample", A(2, 3, 5, 3, **LAST), A(2, 2, 3, 2, **SLICED), "nearest", **_rest),
                    S("grid_sample", A(1, 2, 3, 2, 4), A(1, 2, 1, 3, 3), "bilinear", **_rest)]
SAMPLES += [
    S("grid_sample", A(0, 2, 3, 3), A(0, 2, 2, 2)),
    S("grid_sample", A(1, 1, 1, 4), A(1, 2, 2, 2), "bilinear", "border"),
    S("grid_sample", A(1, 2, 2, 3, 3), A(1, 2, 2, 2, 3), "nearest"),

    S("upfirdn2d", A(2, 3, 4, 5), A(3, 2)), S("upfirdn2d", A(2, 2, 4, 3), A(4), 2, 1, (2, 1)),
    S("upfirdn2d", A(1, 2, 5, 6, **LAST), A(4, 4), down=2, padding=1),
    S("upfirdn2d", A(1, 2, 4, 3), A(3, 4), (2, 3), (3, 2), (1, 2, 3, 0), True, 4.0),
    S("upfirdn2d", A(2, 1, 6, 5, **SLICED), A(2, 3), 1, 2, (-1, 0, 2, -1)),
    S("upfirdn2d", A(1, 3, 3, 3), A(4), up=2, padding=(2, 1, 2, 1), gain=4.0),
    S("upfirdn2d", A(0, 2, 3, 3), A(2, 2), 2),
    S("upfirdn2d", A(1, 2, 3, 4), None, 2, 1, (1, 0)), S("upfirdn2d", A(1, 2, 4, 4), A(3, memory="reversed"), 3, 2, -1),
    S("upfirdn2d", A(1, 1, 5, 4), A(2, 2), (1, 2), (2, 1), (1, -1, -2, 2)),

    S("per_sample_conv2d", A(2, 3, 4, 5), A(2, 2, 3, 3, 2), A(2, 2)),
    S("per_sample_conv2d", A(3, 2, 5, 5), A(3, 2, 2, 3, 3), None, 2, 1),
    S("per_sample_conv2d", A(2, 2, 6, 4, **LAST), A(2, 1, 2, 2, 2), A(2, 1), (1, 2), (0, 1), (2, 1)),
    S("per_sample_conv2d", A(1, 3, 2, 2), A(1, 4, 3, 1, 1)), S("per_sample_conv2d", A(0, 2, 3, 3), A(0, 3, 2, 2, 2)),
    S("per_sample_conv2d", A(2, 1, 3, 4, **SLICED), A(2, 3, 1, 2, 3), padding=1),

    S("modulated_conv2d", A(2, 3, 4, 5), A(2, 3, 3, 3), A(2, 3)),
    S("modulated_conv2d", A(2, 2, 5, 4, **LAST), A(3, 2, 3, 3), A(2, 2), True, 1, 1),
    S("modulated_conv2d", A(3, 2, 3, 3), A(4, 2, 1, 1), A(3, 2), False),
    S("modulated_conv2d", A(2, 2, 3, 3), A(3, 2, 3, 3), A(2, 2), True, 2, (0, 1), True),
    S("modulated_conv2d", A(0, 2, 3, 3), A(2, 2, 2, 2), A(0, 2)),
    S("modulated_conv2d", A(1, 2, 6, 5, **SLICED), A(2, 2, 2, 3), A(1, 2, memory="reversed"), stride=2, eps=0.1),
]
