// Sliding windows over images in channels-last memory (n, size[0], size[1], size[2], channels). Fewer than three spatial
// axes come with axes of size 1 before them. Window i meets position i stride + k dilation - padding with its offset k.
struct Window { int size[3], out[3], kernel[3], stride[3], padding[3], dilation[3]; };

// rest % n, with rest / n left in `rest`: the fastest axis of a position is split off.
__device__ inline index_t split(index_t& rest, index_t n) {
    if (n == 1) return 0;                // the same for all threads: two divisions less
    index_t quotient = rest / n, remainder = rest - quotient * n;
    rest = quotient;
    return remainder;
}

// Where offset 0 of window i along an axis is; negative in the padding.
__device__ inline int start_of(const Window& w, int axis, index_t i) {
    return (int)i * w.stride[axis] - w.padding[axis];
}

// The first offset of a window starting at `start` that is inside the image, and the end of those inside.
__device__ inline int first_inside(const Window& w, int axis, int start) {
    return start >= 0 ? 0 : (-start + w.dilation[axis] - 1) / w.dilation[axis];
}
__device__ inline int end_inside(const Window& w, int axis, int start) {
    int left = w.size[axis] - 1 - start;  // of positions after `start`
    int end = left < 0 ? 0 : left / w.dilation[axis] + 1;
    return end < w.kernel[axis] ? end : w.kernel[axis];
}

// The offsets k that may meet `position`, and whether k does, with window i. Without dilation every k tried does, but
// for windows beyond the last.
__device__ inline int first_meeting(const Window& w, int axis, int position) {
    return w.dilation[axis] == 1 ? (position + w.padding[axis]) % w.stride[axis] : 0;
}
__device__ inline int next_meeting(const Window& w, int axis, int k) {
    return w.dilation[axis] == 1 ? k + w.stride[axis] : k + 1;
}
__device__ inline bool meets(const Window& w, int axis, int position, int k, int& i) {
    int distance = position + w.padding[axis] - k * w.dilation[axis];
    i = distance / w.stride[axis];
    return distance >= 0 && i * w.stride[axis] == distance && i < w.out[axis];
}

// N neighbouring numbers that are read, added and written at once: 16 bytes, the widest access there is.
template <int N> struct alignas(N * sizeof(real)) Lanes { real value[N]; };
const int WIDE = 16 / sizeof(real);

template <int N> __device__ inline Lanes<N> load(const real* from) { return *(const Lanes<N>*)from; }
template <int N> __device__ inline void store(real* to, const Lanes<N>& lanes) { *(Lanes<N>*)to = lanes; }
template <int N> __device__ inline void add(Lanes<N>& sum, const Lanes<N>& more) {
    for (int lane = 0; lane < N; ++lane) sum.value[lane] += more.value[lane];
}

// Whether `n` numbers at a time can be read and written WIDE at once from there on.
__device__ inline bool in_lanes(index_t n, const real* from, const real* to) {
    return n % WIDE == 0 && ((size_t)from | (size_t)to) % 16 == 0;
}
