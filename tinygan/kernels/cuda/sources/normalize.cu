#include "common.cuh"

// Normalisation over the rows M of arrays (B, M, C), and over groups of K neighbouring columns with them.
//
// A block works on `width` columns (a power of two) and on one of P pieces of the rows: B P tiles blocks in all. Inside
// it LANES lanes stand side by side, lane t in column t % width, however many threads there really are: the same
// numbers are added in the same order on every device, and by a single thread on a host. Nothing is atomic.
//
// Accuracy: a lane adds at most RUN numbers (differences from the first of them, for a mean) in `real`, then hands the
// sum over in double. So a variance is never a difference of large numbers, and of the arithmetic only one part in RUN
// is done in double, which is slow on most GPUs.

typedef long long Index;
typedef double Lanes[256];

constexpr int LANES = 256;
constexpr int RUN = 64;

struct Tile {  // what a block works on
    Index outer, piece, column, first, last;
    int width, lanes;

    __device__ Tile(Index block, Index M, Index C, Index P, Index width)
        : width((int)width), lanes(LANES / (int)width) {
        Index tiles = (C + width - 1) / width;
        column = block % tiles * width;
        piece = block / tiles % P;
        outer = block / tiles / P;
        first = M * piece / P;
        last = M * (piece + 1) / P;
    }

    __device__ Index column_of(int lane) const { return column + lane % width; }
    __device__ Index row_of(int lane) const { return first + lane / width; }
    __device__ Index rows_of(int lane) const { return (last - row_of(lane) + lanes - 1) / lanes; }  // at most 0: none
};

#define EACH_TILE(block, B, C, P, width) EACH_ROW(block, (B) * (P) * (((C) + (width) - 1) / (width)))
#define EACH_LANE(t, n) for (int t = (int)threadIdx.x; t < (n); t += (int)blockDim.x)

// Adds up the lanes of every column: the sum of column j is value[j] afterwards.
__device__ inline void add_lanes(double* value, int width) {
    __syncthreads();
    for (int half = LANES / 2; half >= width; half /= 2) {
        EACH_LANE(t, half) value[t] += value[t + half];
        __syncthreads();
    }
}

struct Moments {  // of `number` values: their mean and the sum of their squared distances from it
    double number, mean, square;

    // Chan, Golub and LeVeque (1983, "Algorithms for computing the sample variance", equation 2.1)
    __device__ void merge(double n, double other_mean, double other_square) {
        if (n == 0) return;
        double total = number + n, distance = other_mean - mean, part = n / total;
        mean += distance * part;
        square += other_square + distance * distance * number * part;
        number = total;
    }
};

// The moments of a lane's rows in x, which begins at the first of them.
__device__ inline Moments lane_moments(const real* x, Index rows, Index step) {
    Moments all = {0, 0, 0};
    for (; rows > 0; rows -= RUN) {
        int run = rows < RUN ? (int)rows : RUN;
        real centre = *x, sum = 0, squares = 0;
#pragma unroll 4
        for (int n = 0; n < run; ++n, x += step) {
            real distance = *x - centre;
            sum += distance;
            squares += distance * distance;
        }
        double shift = (double)sum / run;
        all.merge(run, (double)centre + shift, (double)squares - shift * (double)sum);
    }
    return all;
}

// The moments of the tile's columns: those of column j are number[j], mean[j] and square[j] afterwards.
__device__ inline void measure(const real* x, const Tile& tile, Index M, Index C, double* number, double* mean,
                               double* square) {
    EACH_LANE(t, LANES) {
        Moments all = {0, 0, 0};
        if (tile.column_of(t) < C)
            all = lane_moments(x + (tile.outer * M + tile.row_of(t)) * C + tile.column_of(t), tile.rows_of(t),
                               tile.lanes * C);
        number[t] = all.number, mean[t] = all.mean, square[t] = all.square;
    }
    __syncthreads();
    for (int half = LANES / 2; half >= tile.width; half /= 2) {
        EACH_LANE(t, half) {
            Moments all = {number[t], mean[t], square[t]};
            all.merge(number[t + half], mean[t + half], square[t + half]);
            number[t] = all.number, mean[t] = all.mean, square[t] = all.square;
        }
        __syncthreads();
    }
}

// Writes a pair of numbers for each of the tile's columns into pieces (B, P, C, 2).
__device__ inline void write_piece(double* pieces, const Tile& tile, Index C, Index P, const double* a,
                                   const double* b) {
    EACH_LANE(t, tile.width) {
        if (tile.column + t >= C) continue;
        double* piece = pieces + 2 * ((tile.outer * P + tile.piece) * C + tile.column + t);
        piece[0] = a[t];
        piece[1] = b[t];
    }
    __syncthreads();
}

// pieces (B, P, C, 2): mean and squared distances of each column of x (B, M, C) in each piece of the rows.
extern "C" __global__ void moments(const real* x, double* pieces, Index B, Index M, Index C, Index P, Index width) {
    __shared__ Lanes number, mean, square;
    EACH_TILE(block, B, C, P, width) {
        Tile tile(block, M, C, P, width);
        measure(x, tile, M, C, number, mean, square);
        write_piece(pieces, tile, C, P, mean, square);
    }
}

// Mean and squared distances of the groups of the tile's columns, from the pieces: the mean of the means, then the sum
// of squared distances from it (the formula above for many parts at once).
__device__ inline void merge_pieces(const double* pieces, const Tile& tile, Index M, Index C, Index P, Index K,
                                    double* mean, double* square) {
    for (int pass = 0; pass < 2; ++pass) {
        EACH_LANE(t, LANES) {
            Index column = tile.column_of(t), first = column / K * K;
            double centre = pass ? mean[t % tile.width] : 0, total = 0;
            for (Index j = t / tile.width; column < C && j < K * P; j += tile.lanes) {
                Index piece = j / K;
                double rows = (double)(M * (piece + 1) / P - M * piece / P);
                const double* own = pieces + 2 * ((tile.outer * P + piece) * C + first + j % K);
                double distance = own[0] - centre;
                total += pass ? own[1] + rows * distance * distance : rows * distance;
            }
            square[t] = total;
        }
        add_lanes(square, tile.width);
        if (pass == 0) {
            EACH_LANE(t, tile.width) mean[t] = square[t] / ((double)M * (double)K);
            __syncthreads();
        }
    }
}

// y = (x - mean) rstd scale + shift. Without `pieces` (P = K = 1) a block measures its columns itself: one launch.
// A scale or shift has a step along each of the three axes, 0 where it does not vary; a null pointer leaves it out.
extern "C" __global__ void normalize(const real* __restrict__ x, const double* pieces, const real* __restrict__ scale,
                                     const real* __restrict__ shift, real* __restrict__ y, real* means, real* rstds,
                                     Index B, Index M, Index C, Index P, Index K, Index width, double eps,
                                     Index scale_b, Index scale_m, Index scale_c, Index shift_b, Index shift_m,
                                     Index shift_c) {
    __shared__ Lanes number, mean, square;
    EACH_TILE(block, B, C, P, width) {
        Tile tile(block, M, C, P, width);
        if (pieces) merge_pieces(pieces, tile, M, C, P, K, mean, square);
        else measure(x, tile, M, C, number, mean, square);
        EACH_LANE(t, LANES) {
            Index column = tile.column_of(t), row = tile.row_of(t), rows = tile.rows_of(t);
            if (column >= C) continue;
            double average = mean[t % width], variance = square[t % width] / ((double)M * (double)K);
            // the mean in two numbers: x - mean is exact to a rounding of itself, not of the mean
            real rstd = (real)(1 / sqrt((variance < 0 ? 0 : variance) + eps));
            real high = (real)average, low = (real)(average - (double)high);
            if (tile.piece == 0 && t < width && column % K == 0) {
                means[tile.outer * (C / K) + column / K] = high;
                rstds[tile.outer * (C / K) + column / K] = rstd;
            }
            Index i = (tile.outer * M + row) * C + column, step = tile.lanes * C;
            Index a = tile.outer * scale_b + row * scale_m + column * scale_c, a_step = tile.lanes * scale_m;
            Index b = tile.outer * shift_b + row * shift_m + column * shift_c, b_step = tile.lanes * shift_m;
#pragma unroll 4
            for (Index n = 0; n < rows; ++n, i += step, a += a_step, b += b_step) {
                real value = (x[i] - high - low) * rstd;
                if (scale) value *= scale[a];
                if (shift) value += shift[b];
                y[i] = value;
            }
        }
        __syncthreads();
    }
}

// For each of the tile's columns the sums of h and of h xhat, where h = g scale and xhat = (x - mean) rstd. The scale
// comes in here only where it varies along the rows; where it does not, it is applied to the sums. Mean and rstd have
// steps along the three axes too, those of the columns counted in groups.
__device__ inline void multiply(const real* g, const real* x, const real* means, const real* rstds, const real* scale,
                                const Tile& tile, Index M, Index C, Index K, Index mean_b, Index mean_m, Index mean_c,
                                Index scale_m, double* total, double* moment) {
    EACH_LANE(t, LANES) {
        Index column = tile.column_of(t), row = tile.row_of(t), rows = column < C ? tile.rows_of(t) : 0;
        Index i = (tile.outer * M + row) * C + column, step = tile.lanes * C;
        Index m = tile.outer * mean_b + row * mean_m + column / K * mean_c, m_step = tile.lanes * mean_m;
        Index a = row * scale_m, a_step = tile.lanes * scale_m;
        double all = 0, all_products = 0;
        for (; rows > 0; rows -= RUN) {
            int run = rows < RUN ? (int)rows : RUN;
            real sum = 0, products = 0;
#pragma unroll 4
            for (int n = 0; n < run; ++n, i += step, m += m_step, a += a_step) {
                real h = scale_m ? g[i] * scale[a] : g[i];
                sum += h;
                products += h * ((x[i] - means[m]) * rstds[m]);
            }
            all += (double)sum;
            all_products += (double)products;
        }
        total[t] = all;
        moment[t] = all_products;
    }
    add_lanes(total, tile.width);
    add_lanes(moment, tile.width);
}

// pieces (B, P, C, 2): the sums of `multiply` for each column in each piece of the rows.
extern "C" __global__ void products(const real* g, const real* x, const real* means, const real* rstds,
                                    const real* scale, double* pieces, Index B, Index M, Index C, Index P, Index K,
                                    Index width, Index mean_b, Index mean_m, Index mean_c, Index scale_m) {
    __shared__ Lanes total, moment;
    EACH_TILE(block, B, C, P, width) {
        Tile tile(block, M, C, P, width);
        multiply(g, x, means, rstds, scale, tile, M, C, K, mean_b, mean_m, mean_c, scale_m, total, moment);
        write_piece(pieces, tile, C, P, total, moment);
    }
}

// Adds up the pieces of `products` for the groups of K of the tile's columns, over `count` outer indices from `outer`
// on; the scale (or null) is applied, with steps along B and C.
__device__ inline void add_pieces(const double* pieces, const real* scale, const Tile& tile, Index outer, Index count,
                                  Index C, Index P, Index K, Index scale_b, Index scale_c, double* total,
                                  double* moment) {
    EACH_LANE(t, LANES) {
        Index column = tile.column_of(t), first = column / K * K;
        double sum = 0, products = 0;
        for (Index j = t / tile.width; column < C && j < K * P * count; j += tile.lanes) {
            Index own = first + j % K;
            const double* piece = pieces + 2 * ((outer * P + j / K) * C + own);
            double factor = scale ? (double)scale[outer * scale_b + own * scale_c] : 1;
            sum += factor * piece[0];
            products += factor * piece[1];
        }
        total[t] = sum;
        moment[t] = products;
    }
    add_lanes(total, tile.width);
    add_lanes(moment, tile.width);
}

// gscale and gshift (O, C), where wanted, from the pieces: O = B, or O = 1 for their sum over B.
__device__ inline void add_parameters(const double* pieces, const Tile& tile, Index B, Index C, Index P, Index O,
                                      real* gscale, real* gshift, double* total, double* moment) {
    add_pieces(pieces, nullptr, tile, tile.outer, O == 1 ? B : 1, C, P, 1, 0, 0, total, moment);
    EACH_LANE(t, tile.width) {
        Index at = tile.outer * C + tile.column + t;
        if (tile.column + t < C && gscale) gscale[at] = (real)moment[t];
        if (tile.column + t < C && gshift) gshift[at] = (real)total[t];
    }
    __syncthreads();
}

extern "C" __global__ void totals(const double* pieces, real* gscale, real* gshift, Index B, Index C, Index P, Index O,
                                  Index width) {
    __shared__ Lanes total, moment;
    EACH_TILE(block, O, C, 1, width) {
        Tile tile(block, 1, C, 1, width);
        add_parameters(pieces, tile, B, C, P, O, gscale, gshift, total, moment);
    }
}

// gx = rstd (h - mean(h) - xhat mean(h xhat)), and gscale and gshift as `totals`, where the pointers are not null.
// Without `pieces` (P = K = 1, and no gscale, no gshift) a block takes the sums of its columns itself: one launch.
extern "C" __global__ void normalize_vjp(const real* __restrict__ g, const real* __restrict__ x, const real* means,
                                         const real* rstds, const real* __restrict__ scale, const double* pieces,
                                         real* __restrict__ gx, real* gscale, real* gshift, Index B, Index M, Index C,
                                         Index P, Index K, Index O, Index width, Index scale_b, Index scale_m,
                                         Index scale_c) {
    __shared__ Lanes total, moment;
    EACH_TILE(block, B, C, P, width) {
        Tile tile(block, M, C, P, width);
        if ((gscale || gshift) && tile.piece == 0 && tile.outer < O)
            add_parameters(pieces, tile, B, C, P, O, gscale, gshift, total, moment);
        if (pieces)
            add_pieces(pieces, scale_m ? nullptr : scale, tile, tile.outer, 1, C, P, K, scale_b, scale_c, total,
                       moment);
        else
            multiply(g, x, means, rstds, scale, tile, M, C, 1, C, 0, 1, scale_m, total, moment);
        EACH_LANE(t, LANES) {
            Index column = tile.column_of(t), row = tile.row_of(t), rows = tile.rows_of(t);
            if (column >= C) continue;
            Index i = (tile.outer * M + row) * C + column, step = tile.lanes * C;
            Index a = tile.outer * scale_b + row * scale_m + column * scale_c, a_step = tile.lanes * scale_m;
            Index group = tile.outer * (C / K) + column / K;
            // what `multiply` leaves out of the sums
            double factor = (!pieces && scale && !scale_m ? (double)scale[a] : 1) / ((double)M * (double)K);
            real mean = means[group], rstd = rstds[group];
            real offset = (real)(factor * total[t % width]), slope = (real)(factor * moment[t % width]);
#pragma unroll 4
            for (Index n = 0; n < rows; ++n, i += step, a += a_step) {
                real h = scale ? g[i] * scale[a] : g[i];
                gx[i] = rstd * (h - offset - (x[i] - mean) * rstd * slope);
            }
        }
        __syncthreads();
    }
}

// The running averages after one more batch of moments, and the number of batches; a momentum below 0 is 1 / batches.
extern "C" __global__ void running_moments(real* new_means, real* new_variances, long long* new_batches,
                                           const real* old_means, const real* old_variances,
                                           const long long* old_batches, const real* means, const real* rstds, Index C,
                                           double momentum, double eps, double unbiased) {
    EACH(i, (index_t)C) {
        long long batches = *old_batches + 1;
        double weight = momentum < 0 ? 1.0 / (double)batches : momentum;
        real rest = (real)(1 - weight), variance = 1 / (rstds[i] * rstds[i]) - (real)eps;
        variance = (variance < 0 ? 0 : variance) * (real)unbiased;
        new_means[i] = times(old_means[i], rest) + times(means[i], (real)weight);
        new_variances[i] = times(old_variances[i], rest) + times(variance, (real)weight);
        if (i == 0) *new_batches = batches;
    }
}
