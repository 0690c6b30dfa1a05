"""Samples of matrix products, convolution, pooling, resizing, normalisation and losses."""

from tinygan.testing.samples import A, S

LAST, D = dict(memory="last"), dict(kind="distinct")

SAMPLES = [
    S("matmul", A(2, 3), A(3, 4)), S("matmul", A(5, 2, 3), A(3, 4)), S("matmul", A(2, 1, 2, 3), A(3, 3, 2)),
    S("matmul", A(3), A(3)), S("matmul", A(3), A(2, 3, 4)), S("matmul", A(2, 4, 3), A(3)),
    S("matmul", A(0, 2, 3), A(3, 4)), S("matmul", A(3, 4, memory="sliced"), A(4, 2, memory="reversed")),
    S("linear", A(4, 3), A(5, 3), A(5)), S("linear", A(4, 3), A(5, 3)), S("linear", A(3), A(2, 3), A(2)),
    S("linear", A(2, 3, 4), A(2, 4), A(2)), S("linear", A(0, 3), A(5, 3), A(5)), S("linear", A(2, 0, 3), A(5, 3)),
    S("linear", A(3, 4, memory="sliced"), A(2, 4, memory="sliced"), A(2, memory="reversed")),
    S("einsum", "ij,jk->ik", A(2, 3), A(3, 4)), S("einsum", "bij,bjk->bik", A(2, 2, 3), A(2, 3, 2)),
    S("einsum", "ii->i", A(3, 3)), S("einsum", "ij->", A(2, 3)), S("einsum", "ij,k", A(2, 3), A(2)),
    S("einsum", "i,ij,j->", A(2), A(2, 3), A(3)), S("einsum", "...i,ij->...j", A(2, 2, 3), A(3, 2)),
    S("einsum", "bchw,bdhw->bcd", A(2, 3, 2, 2, **LAST), A(2, 2, 2, 2, **LAST)),
    S("einsum", "ij,ij->ji", A(2, 3), A(2, 3)),
    S("einsum", "bi,oi->bo", A(0, 3), A(2, 3)), S("einsum", "iij,j->i", A(2, 2, 3), A(3, memory="reversed")),

    S("conv1d", A(2, 3, 7), A(4, 3, 3)), S("conv1d", A(2, 3, 8), A(4, 3, 3), A(4), 2, 1),
    S("conv1d", A(2, 4, 9), A(6, 2, 2), A(6), stride=3, padding=2, dilation=2, groups=2),
    S("conv1d", A(1, 3, 5, **LAST), A(2, 3, 5), padding=4), S("conv1d", A(0, 3, 5), A(2, 3, 3), A(2)),
    S("conv1d", A(2, 3, 6, memory="sliced"), A(3, 1, 3, memory="reversed"), groups=3),
    S("conv2d", A(2, 3, 5, 4), A(4, 3, 3, 3), A(4)), S("conv2d", A(2, 3, 5, 5), A(4, 3, 3, 3), A(4), 2, 1),
    S("conv2d", A(1, 2, 5, 7), A(3, 2, 2, 3), stride=(2, 3), padding=(1, 0)),
    S("conv2d", A(1, 4, 5, 6, **LAST), A(4, 2, 3, 2), A(4), (1, 2), (2, 1), (1, 3), 2),
    S("conv2d", A(2, 3, 4, 4), A(5, 3, 1, 1), A(5)),
    S("conv2d", A(2, 3, 4, 3), A(3, 1, 2, 2), A(3), padding=1, groups=3),
    S("conv2d", A(0, 3, 4, 4), A(2, 3, 3, 3), A(2), padding=1), S("conv2d", A(1, 1, 4, 4), A(2, 1, 4, 4), A(2), 2, 1),
    S("conv2d", A(2, 2, 4, 4, memory="sliced"), A(2, 2, 3, 3, **LAST), dilation=1),
    S("conv3d", A(1, 2, 3, 4, 3), A(2, 2, 2, 3, 2), A(2)), S("conv3d", A(2, 1, 3, 3, 4), A(2, 1, 2, 2, 2), None, 2, 1),
    S("conv3d", A(1, 2, 4, 3, 5, **LAST), A(2, 1, 2, 1, 3), A(2), (2, 1, 1), (1, 0, 1), (2, 1, 1), 2),
    S("conv3d", A(0, 2, 3, 3, 3), A(1, 2, 2, 2, 2)), S("conv3d", A(1, 2, 2, 2, 3), A(3, 2, 1, 1, 1), A(3)),
    S("conv_transpose1d", A(2, 3, 4), A(3, 2, 3)), S("conv_transpose1d", A(2, 3, 4), A(3, 2, 3), A(2), 2, 1, 1),
    S("conv_transpose1d", A(2, 4, 3), A(4, 3, 2), A(6), stride=3, padding=1, output_padding=2, groups=2, dilation=2),
    S("conv_transpose1d", A(1, 2, 5, **LAST), A(2, 2, 4), padding=3),
    S("conv_transpose1d", A(0, 3, 5), A(3, 2, 3), A(2)),
    S("conv_transpose2d", A(2, 3, 3, 2), A(3, 2, 3, 3), A(2)),
    S("conv_transpose2d", A(2, 3, 3, 3), A(3, 2, 4, 4), A(2), 2, 1),
    S("conv_transpose2d", A(1, 2, 3, 4), A(2, 3, 2, 3), None, (2, 3), (1, 0), (1, 2)),
    S("conv_transpose2d", A(1, 4, 3, 2, **LAST), A(4, 1, 3, 2), A(2), (1, 2), (2, 1), (0, 1), 2, (2, 1)),
    S("conv_transpose2d", A(2, 4, 1, 1), A(4, 3, 3, 3), A(3)),
    S("conv_transpose2d", A(0, 3, 3, 3), A(3, 2, 2, 2), A(2)),
    S("conv_transpose2d", A(2, 3, 3, 3, memory="sliced"), A(3, 1, 2, 2, memory="reversed"), stride=2, groups=3),
    S("conv_transpose3d", A(1, 2, 2, 3, 2), A(2, 2, 2, 3, 2), A(2)),
    S("conv_transpose3d", A(2, 1, 2, 2, 3), A(1, 2, 3, 2, 2), None, 2, 1, 1),
    S("conv_transpose3d", A(1, 2, 3, 2, 3, **LAST), A(2, 1, 2, 1, 3), A(2), (2, 1, 1), (1, 0, 1), (1, 0, 0), 2, (1, 2,
      2)),
    S("conv_transpose3d", A(0, 2, 2, 2, 2), A(2, 1, 2, 2, 2)),
    S("conv_transpose3d", A(1, 2, 2, 1, 3), A(2, 3, 1, 1, 1), A(3)),
]

for _n, _rest in ((1, ()), (2, (5,)), (3, (4, 3))):
    _sizes, _kernel, _stride = (6, *_rest), (3, 2, 2)[:_n], (2, 1, 2)[:_n]
    for _op, _kind in ((f"avg_pool{_n}d", {}), (f"max_pool{_n}d", D)):
        SAMPLES += [
            S(_op, A(2, 2, *_sizes, **_kind), 2), S(_op, A(1, 2, *_sizes, **_kind), _kernel, _stride),
            S(_op, A(2, 1, *_sizes, **LAST, **_kind), 3, 2, 1), S(_op, A(0, 2, *_sizes, **_kind), 2),
            S(_op, A(2, 3, *_sizes, memory="sliced", **_kind), 3, 1, 1), S(_op, A(1, 1, *_sizes, **_kind), 1)]
    SAMPLES += [S(f"avg_pool{_n}d", A(2, 2, *_sizes), 3, 2, 1, count_include_pad=False),
                S(f"avg_pool{_n}d", A(1, 3, *_sizes, **LAST), _kernel, padding=1, count_include_pad=False),
                S(f"max_pool{_n}d", A(1, 2, *_sizes, **D), 2, 1, 1, 2),
                S(f"max_pool{_n}d", A(1, 2, *_sizes, **D), 2, padding=1, dilation=1)]

SAMPLES += [
    S("global_avg_pool", A(2, 3, 4)), S("global_avg_pool", A(2, 3, 3, 2)), S("global_avg_pool", A(1, 2, 2, 3, 2)),
    S("global_avg_pool", A(2, 3, 3, 2, **LAST)), S("global_avg_pool", A(0, 3, 2, 2)),
    S("interpolate", A(2, 2, 3), 5), S("interpolate", A(1, 2, 3, 4), scale_factor=2),
    S("interpolate", A(1, 2, 5, 4), (3, 6)),
    S("interpolate", A(2, 1, 3, 3, **LAST), scale_factor=1.5), S("interpolate", A(0, 2, 2, 2), scale_factor=2),
    S("interpolate", A(1, 1, 2, 2, 3), (4, 2, 2)), S("interpolate", A(1, 2, 3, 4), scale_factor=(2, 3)),
    S("interpolate", A(1, 2, 4), 7, mode="linear"), S("interpolate", A(1, 2, 3, 4), scale_factor=2, mode="bilinear"),
    S("interpolate", A(2, 1, 5, 4, **LAST), (3, 7), None, "bilinear"),
    S("interpolate", A(1, 2, 2, 2, 3), (3, 4, 2), mode="trilinear"),
    S("interpolate", A(1, 2, 3, 4), (5, 2), None, "bilinear", True),
    S("interpolate", A(0, 2, 2, 2), 3, mode="bilinear"),
    S("interpolate", A(1, 1, 4, 4), scale_factor=0.5, mode="bilinear"),
    S("interpolate", A(2, 3, 1, 4), (1, 3), mode="bilinear"),
    S("interpolate", A(1, 2, 3, 3, memory="sliced"), (6, 1), mode="bilinear", align_corners=True),

    S("batch_norm", A(4, 3), None, None, A(3), A(3), True), S("batch_norm", A(3, 2, 5), None, None, training=True),
    S("batch_norm", A(2, 3, 2, 3), None, None, A(3), A(3), training=True, eps=0.1),
    S("batch_norm", A(3, 2, 2, 2, **LAST), None, None, A(2), A(2), True, 0.1, 1e-3),
    S("batch_norm", A(2, 2, 1, 2, 2), None, None, A(2), None, training=True),
    S("batch_norm", A(3, 4, memory="sliced"), None, None, None, A(4), True),
    S("batch_norm", A(4, 3), A(3), A(3, kind="positive"), A(3), A(3)),
    S("batch_norm", A(2, 3, 2, 2, **LAST), A(3), A(3, kind="positive")),
    S("batch_norm", A(2, 2, 3), A(2), A(2, kind="positive"), A(2), None, eps=0.5),
    S("batch_norm", A(0, 3, 2, 2), A(3), A(3, kind="positive"), A(3), A(3)),
    S("instance_norm", A(2, 3, 4)), S("instance_norm", A(2, 2, 3, 2), A(2), A(2)),
    S("instance_norm", A(1, 2, 2, 2, 2), A(2)),
    S("instance_norm", A(2, 3, 3, 2, **LAST), A(3), A(3), 1e-2), S("instance_norm", A(0, 3, 2, 2), A(3), A(3)),
    S("instance_norm", A(2, 2, 3, 4, memory="sliced"), None, A(2)),
    S("layer_norm", A(4, 5), 5), S("layer_norm", A(3, 4), (4,), A(4), A(4)),
    S("layer_norm", A(2, 3, 4), (3, 4), A(3, 4), A(3, 4)),
    S("layer_norm", A(2, 3, 2, 2, **LAST), (3, 2, 2), A(3, 2, 2)), S("layer_norm", A(0, 4), 4, A(4), A(4)),
    S("layer_norm", A(3, 6, memory="sliced"), 6, None, A(6), eps=1e-2), S("layer_norm", A(4), 4, A(4)),
    S("group_norm", A(2, 4, 3), 2), S("group_norm", A(2, 4, 2, 2), 2, A(4), A(4)),
    S("group_norm", A(3, 4), 2, A(4), A(4)),
    S("group_norm", A(2, 6, 2, 2, **LAST), 3, A(6), A(6), 1e-2), S("group_norm", A(0, 4, 2, 2), 2, A(4), A(4)),
    S("group_norm", A(1, 3, 2, 3), 1, A(3)), S("group_norm", A(2, 2, 3, 2, memory="sliced"), 2, None, A(2)),

    *[S(_op, *args) for _op in ("mse_loss", "l1_loss") for args in (
        (A(3, 2, **D), A(3, 2)), (A(4, **D), 0.0, "sum"), (A(2, 3, **D), A(2, 3), "none"),
        (A(kind="away"), A(kind="positive")),
        (A(2, 3, 2, 2, **LAST, **D), A(2, 3, 2, 2)), (A(0, 3), A(0, 3), "sum"))],
    *[S("binary_cross_entropy_with_logits", *args) for args in (
        (A(4), A(4, kind="positive")), (A(3, 1), 1.0), (A(3, 1), 0.0, None, "sum"), (A(2, 3), A(2, 3), None, "none"),
        (A(), 0.9), (A(2, 1, 3, 3, **LAST), A(2, 1, 3, 3)), (A(0, 1), A(0, 1), None, "sum"))],
    *[S("cross_entropy", *args) for args in (
        (A(4, 3), A(4, below=3)), (A(4, 3), A(4, below=3), None, -100, "sum"),
        (A(2, 5), A(2, below=5), None, -100, "none"), (A(2, 3, 2, 2, **LAST), A(2, 2, 2, below=3)),
        (A(0, 3), A(0, below=3), None, -100, "sum"), (A(3, 4, memory="sliced"), A(3, below=4)))],
]
