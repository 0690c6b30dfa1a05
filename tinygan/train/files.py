"""Files that appear whole or not at all."""
import errno
import os
from contextlib import contextmanager
from pathlib import Path


def is_leftover(name):
    """Whether `name` is a temporary file's, left by a process that was killed while it wrote."""
    return name.startswith(".") and name.endswith(".tmp")


@contextmanager
def atomic(path):
    """Open a binary file that takes the place of `path` when the block ends, and vanishes when the block fails.

    The bytes go to a temporary file in the same folder (a rename is atomic within one file system), are flushed to the
    disk, and the file is renamed; then the folder is flushed, so that the new name survives a power cut. A process
    killed on the way leaves the earlier file and a temporary one, which `is_leftover` recognises. Raises OSError.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:                               # Ctrl-C too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder):
    """Flush the names in `folder` to the disk, where the system can do that."""
    if os.name == "nt":                                 # Windows cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):        # some network file systems know no such flush
            raise
    finally:
        os.close(descriptor)


def reason(error):
    """Return what an OSError says, without the number and the file name."""
    return error.strerror or str(error) or type(error).__name__
