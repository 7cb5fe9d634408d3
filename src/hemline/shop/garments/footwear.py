"""Shoes, seen from the side in a pair, and what is worn on the legs and hands."""

# ruff: noqa: E501  (path data is not broken)

from typing import Final

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, moved

_SIZE: Final = 1.26


def _pair(upper: str, *layers: Layer, floor: int = 62) -> Drawing:
    """Return a shoe, whose sole is at y = 0 and which is 120 wide, with a second one behind it."""

    def placed(one: Layer, x: float, y: float) -> Layer:
        return Layer(one.look, moved(one.path, x, y, _SIZE), one.fill, one.stroke, one.width)

    other = moved(upper, 92, 142, _SIZE)
    behind = (
        Layer("part", other),
        Layer("shade", other),
        *(placed(one, 92, 142) for one in layers),
    )
    front = tuple(placed(one, 102, 218) for one in layers)
    return Drawing(moved(upper, 102, 218, _SIZE), behind, front, None, floor)


def sneakers(cut: Cut) -> Drawing:
    """Sneakers: low or high."""
    high = cut.says("high-top", "high top", "ankle") or cut.pick(0, 0, 1) == 1
    heel = "L-58 -74L-22 -76L-14 -50" if high else "L-56 -48Q-42 -40 -26 -50L-14 -46"
    upper = f"M-58 -8{heel}C4 -34 20 -26 44 -24C58 -22 62 -14 62 -8Z"
    laces = "M-14 -44L-4 -52M-4 -39L6 -47M6 -33L16 -41" + ("M-20 -62L-10 -66" if high else "")
    toe = "M38 -24C44 -18 46 -12 46 -8M-58 -24C-44 -22 -36 -16 -34 -8"
    sole = "M-60 -9L63 -9Q66 0 58 0L-54 0Q-61 0 -60 -9Z"
    swoosh = cut.pick(
        "M-20 -12C-10 -26 6 -26 18 -20", "M-30 -10L-18 -34M-20 -10L-8 -34", "M-34 -14L20 -14"
    )
    return _pair(
        upper,
        Layer("seam", toe),
        Layer("light", swoosh + "Z"),
        Layer("plain", laces, stroke="#f7f4ee", width=2.6),
        Layer("sole", sole),
    )


def boots(cut: Cut) -> Drawing:
    """Boots: ankle boots, high boots, rubber boots; with or without a heel."""
    high = cut.says("high boots", "knee", "rubber") or cut.pick(0, 0, 1) == 1
    shaft = -128 if high else -84
    heeled = cut.says("heel") or cut.pick(0, 0, 1) == 1
    base = -12 if heeled else -6
    upper = f"M-40 {base}L-42 {shaft}L-2 {shaft - 2}C-2 -60 0 -44 12 -38C32 -32 48 -28 52 -6L-14 -6L-18 {base}Z"
    sole = "M-20 -7L54 -7L54 0L-16 0Z" + (
        f"M-41 {base - 2}L-20 {base - 2}L-24 0L-38 0Z" if heeled else "M-42 -7L-18 -7L-18 0L-42 0Z"
    )
    line = cut.pick(
        Layer(
            "plain", f"M2 {-44}L-8 -50M-4 -56L-14 -60M-6 -68L-16 -70", stroke="#efe9dc", width=2.2
        ),
        Layer("metal", f"M-22 {shaft + 4}L-22 -14"),
        Layer("inside", f"M-30 {shaft + 6}L-14 {shaft + 6}L-18 {shaft + 40}L-26 {shaft + 40}Z"),
    )
    second = [
        Layer("part", moved(upper, 84, 192)),
        Layer("shade", moved(upper, 84, 192)),
        Layer("sole", moved(sole, 84, 192)),
    ]
    front = (
        Layer(line.look, moved(line.path, 114, 208), "", line.stroke, line.width),
        Layer("sole", moved(sole, 114, 208)),
    )
    return Drawing(moved(upper, 114, 208), tuple(second), front, None, 62)


def sandals(cut: Cut) -> Drawing:
    """Sandals: straps over a footbed."""
    straps = cut.pick(
        "M-34 -12C-30 -34 -12 -40 -4 -38L6 -12L-4 -12L-10 -28C-18 -30 -24 -22 -26 -12ZM18 -10C24 -30 40 -30 50 -12L40 -10C34 -20 28 -20 26 -10Z",
        "M-50 -12C-54 -34 -44 -44 -30 -40L-26 -32C-38 -34 -44 -28 -40 -12ZM0 -10C10 -36 34 -34 46 -12Z",
        "M-10 -10C0 -38 30 -38 44 -12ZM-48 -12C-50 -30 -30 -44 -4 -34L-8 -26C-26 -34 -40 -26 -40 -12Z",
    )
    bed = "M-58 -12C-30 -8 10 -16 60 -10Q64 0 56 0L-54 0Q-60 -4 -58 -12Z"
    return _pair(
        straps,
        Layer("plain", bed, fill="#b98f62"),
        Layer("shade", "M-57 -5L62 -5Q62 0 56 0L-54 0Q-58 0 -57 -5Z"),
    )


def flip_flops(_cut: Cut) -> Drawing:
    """Flip flops."""
    return _pair(
        "M-10 -9C0 -30 30 -34 40 -12L36 -9C28 -24 8 -20 0 -9Z",
        Layer("sole", "M-58 -10L60 -10Q64 0 54 0L-54 0Q-62 0 -58 -10Z"),
    )


def ballerinas(cut: Cut) -> Drawing:
    """Ballerinas, moccasins and other flat shoes."""
    upper = "M-58 -6C-62 -30 -50 -40 -40 -38C-30 -18 0 -16 20 -24C40 -24 58 -18 60 -6Z"
    extra = cut.pick(
        "M22 -22C28 -30 36 -30 34 -22C36 -16 26 -16 22 -22Z",
        "M-40 -36C-30 -14 4 -12 22 -22",
        "M4 -19C10 -28 26 -28 36 -20",
    )
    return _pair(
        upper, Layer("seam", extra), Layer("sole", "M-59 -7L61 -7Q62 0 56 0L-54 0Q-60 0 -59 -7Z")
    )


def pumps(cut: Cut) -> Drawing:
    """Shoes with a heel: pumps, wedges, sandals with a strap."""
    if cut.says("wedge", "platform"):
        upper = "M-52 -30C-56 -52 -46 -58 -36 -56C-22 -30 6 -22 24 -26C42 -26 56 -20 58 -10Z"
        return _pair(
            upper,
            Layer("plain", "M-53 -32L58 -11L58 0L-52 0Z", fill="#c19a6b"),
            Layer("fold", "M-50 -18L40 -6M-50 -8L20 -3"),
        )
    upper = "M-50 -40C-54 -62 -46 -68 -36 -66C-24 -40 2 -24 22 -28C40 -28 56 -18 58 -4L20 -4C-6 -8 -26 -34 -50 -40Z"
    heel = cut.pick("M-49 -41L-40 -37L-41 0L-47 0Z", "M-50 -41L-28 -32L-34 0L-48 0Z")
    strap = (
        "M-44 -62C-36 -76 -16 -72 -14 -48"
        if cut.says("strap", "sandal") or cut.pick(0, 0, 1)
        else ""
    )
    return _pair(upper, Layer("sole", heel + "M20 -5L59 -5Q60 0 54 0L24 0Z"), Layer("seam", strap))


def slippers(cut: Cut) -> Drawing:
    """Slippers: soft, open at the heel or closed."""
    upper = cut.pick(
        "M-14 -10C-10 -38 20 -46 44 -32C58 -24 60 -14 58 -8Z",
        "M-56 -8C-62 -40 -46 -46 -34 -40C-20 -30 0 -40 20 -38C46 -36 60 -22 60 -8Z",
    )
    return _pair(
        upper,
        Layer(
            "pale",
            "M-14 -12C-18 -26 -8 -38 4 -40C8 -30 -2 -26 -4 -10Z"
            if cut.pick(0, 1)
            else "M-36 -40C-44 -50 -22 -52 -14 -42Z",
        ),
        Layer("plain", "M-58 -10L60 -10Q64 0 56 0L-54 0Q-62 0 -58 -10Z", fill="#9d8a73"),
    )


def socks(cut: Cut) -> Drawing:
    """Socks: from low to knee-high."""
    top = (
        150
        if cut.says("trainer", "shaftless", "ankle", "invisible")
        else 58
        if cut.says("knee")
        else cut.pick(84, 100)
    )
    sock = f"M0 {top}L38 {top}C38 150 36 160 44 172C58 188 78 194 76 208C72 222 52 222 38 214C20 204 2 190 0 172Z"
    front = moved(sock, 76, 0)
    back = moved(sock, 52, -8)
    ribs = "".join(f"M{x} {top + 3}L{x} {top + 16}" for x in range(80, 114, 4))
    heel = "M76 164C88 166 92 178 86 190M132 190C124 196 122 210 128 218"
    return Drawing(
        front,
        (Layer("part", back), Layer("shade", back)),
        (Layer("fold", ribs), Layer("seam", f"M76 {top + 18}L114 {top + 18}{heel}")),
        None,
        44,
    )


def leg_warmers(_cut: Cut) -> Drawing:
    """Leg warmers."""
    outline = both("M108 70L142 66C146 110 146 160 150 206L110 210C112 160 106 110 108 70Z")
    ribs = both("".join(f"M{112 + i * 6} 72L{114 + i * 6} 206" for i in range(6)))
    return Drawing(
        outline, (), (Layer("fold", ribs), Layer("seam", both("M109 84L143 80M111 194L149 190")))
    )


def gloves(cut: Cut) -> Drawing:
    """Gloves or mittens."""
    if cut.says("mitten") or (cut.says("baby", "kids") and cut.pick(0, 1)):
        hand = "M-26 64L-26 6C-42 4 -44 -24 -32 -26C-24 -26 -24 -14 -22 -10C-26 -50 -18 -66 2 -66C24 -66 30 -44 26 -8L24 64Z"
    else:
        hand = (
            "M-24 64L-26 14C-38 4 -50 -18 -42 -26C-34 -28 -28 -12 -22 -8L-24 -52C-22 -62 -12 -62 -11 -52L-9 -18L-6 -64"
            "C-4 -72 6 -72 6 -62L7 -18L12 -58C14 -66 23 -64 22 -56L20 -14L26 -42C30 -50 37 -46 35 -38C32 -16 28 6 26 14L24 64Z"
        )
    front, back = moved(hand, 92, 150), moved(hand, 122, 136)
    cuff = moved("M-25 42L25 42M-25 48L25 48", 92, 150)
    return Drawing(
        front,
        (Layer("part", back), Layer("shade", back)),
        (Layer("seam", cuff), Layer("fold", moved("M-10 -16L-9 10M7 -16L6 10", 92, 150))),
        None,
        40,
    )
