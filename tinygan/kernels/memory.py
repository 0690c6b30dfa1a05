"""What becomes of the memory of arrays that are no longer needed.

The C library gives a large block back to the system as soon as it is freed, and the next array of that size is mapped
anew: every page of it then costs a visit to the kernel when it is first written. In a small GAN, whose arrays are just
large enough for this, that was a sixth of the time of an iteration; threads that do so at once also wait for each
other. Told to keep what is freed, the C library hands the same, already mapped memory out again.
"""

KEEP = 1 << 29  # bytes: blocks up to this size are kept, and as much free memory at the end of the heap
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt


def keep_freed_memory() -> bool:
    """Tell the C library of this process to keep freed memory for the next array; whether it can be told so.

    Process-wide, like the limit on BLAS threads, and made at the same time. The high-water mark of a program stays
    the same, but between two large computations the memory is not given back to the system. Only glibc (Linux) has
    the switch; elsewhere nothing happens.
    """
    import ctypes  # here, for import tinygan need not wait for it
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return all([mallopt(_M_MMAP_THRESHOLD, KEEP), mallopt(_M_TRIM_THRESHOLD, KEEP)])
