"""The bytes of a text file in any encoding as UTF-8, decoded while they are read.

UTF-8 itself passes unchanged: whether it is valid is checked where its values are parsed, which is
faster and names the column.
"""

import codecs
from collections.abc import Callable
from typing import Final

from hemline.errors import BadInput

_UTF_8: Final = ("utf-8", "utf-8-sig", "ascii")
_BYTES_AT_A_TIME: Final = 1 << 20


def decoded(
    read: Callable[[memoryview], int], name: str, encoding: str, described_in: str
) -> Callable[[memoryview], int]:
    """Return a reader that fills buffers with UTF-8.

    Args:
        read: fills a buffer with the next bytes of the file and returns how many, 0 at the end.
        name: of the file, for a refusal.
        encoding: as `codecs` names it.
        described_in: the part of params.yaml that describes the file.

    Raises:
        BadInput: from the reader: bytes are not of the encoding; it names the line.
    """
    if encoding in _UTF_8:
        return read
    decoder = codecs.getincrementaldecoder(encoding)()
    packed = bytearray(_BYTES_AT_A_TIME)
    waiting, n_lines = bytearray(), 0

    def refill() -> bool:
        nonlocal n_lines
        n_new = read(memoryview(packed))
        try:
            text = decoder.decode(bytes(packed[:n_new]), final=not n_new)
        except UnicodeDecodeError as error:
            line = 1 + n_lines + bytes(error.object[: error.start]).count(b"\n")
            byte = error.object[error.start]
            raise BadInput(
                f"{name} is encoded as {encoding}",
                found=f"line {line}: the byte {byte:#04x}, {error.reason}",
                fix=f"set {described_in}.encoding in params.yaml to that of the export, or save "
                "the file as UTF-8",
            ) from None
        n_lines += text.count("\n")
        waiting.extend(text.encode())
        return bool(n_new)

    def fill(buffer: memoryview) -> int:
        while not waiting and refill():
            pass
        n_bytes = min(len(buffer), len(waiting))
        buffer[:n_bytes] = waiting[:n_bytes]
        del waiting[:n_bytes]
        return n_bytes

    return fill
