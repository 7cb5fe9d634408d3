"""What is neither worn nor carried: toys, cosmetics, things for the home, and the hang-tag."""

# ruff: noqa: E501  (path data is not broken)

from hemline.shop.garments.drawing import Cut, Drawing, Layer
from hemline.shop.garments.svg_paths import both, circle, dots, mirrored


def soft_toy(cut: Cut) -> Drawing:
    """Soft toy: a bear or a rabbit."""
    head = circle(100, 100, 38)
    body = mirrored("M100 128C136 128 148 172 140 204Q122 214 100 214")
    ears = (
        both(circle(128, 68, 15))
        if cut.pick(0, 1)
        else both("M112 68C112 34 122 18 130 22C138 28 134 56 126 72Z")
    )
    tummy = mirrored("M100 148C122 148 126 176 120 196Q112 202 100 202")
    face = (
        Layer("pale", mirrored("M100 100C116 100 120 118 112 124Q106 128 100 128")),
        Layer("tick", both("M100 114Q104 120 108 116")),
        Layer("eye", dots((86, 96), (114, 96), (100, 108))),
    )
    return Drawing(
        body + head,
        (Layer("part", ears), Layer("light", ears)),
        (Layer("light", tummy), *face),
        None,
        48,
    )


def toy(cut: Cut) -> Drawing:
    """Toy: building blocks or wooden balls."""
    if cut.says("ball"):
        balls = "".join(circle(x, y, 24) for x, y in ((70, 172), (126, 176), (98, 132)))
        return Drawing(balls, (), (Layer("gleam", "M60 160L66 154M116 164L122 158M88 120L94 114"),))
    blocks = "M46 152L98 152L98 206L46 206ZM106 152L158 152L158 206L106 206ZM76 92L128 92L128 146L76 146Z"
    return Drawing(
        blocks,
        (),
        (
            Layer(
                "light",
                "M54 160L90 160L90 198L54 198ZM114 160L150 160L150 198L114 198ZM84 100L120 100L120 138L84 138Z",
            ),
            Layer("tick", "M66 190L72 168L78 190M94 128L102 108L110 128Z"),
        ),
        None,
        60,
    )


def cosmetics(cut: Cut) -> Drawing:
    """Lipstick, bottles and sprays."""
    if cut.says("spray", "mist", "chem", "remover") or cut.pick(0, 0, 1):
        body = mirrored("M100 96C124 96 132 108 132 124L132 202Q132 212 122 212L100 212")
        label = "M76 140L124 140L124 188L76 188Z"
        return Drawing(
            body,
            (
                Layer(
                    "plain",
                    "M88 64L112 64L112 98L88 98ZM84 52L118 52L118 66L84 66Z",
                    fill="#55504a",
                ),
            ),
            (Layer("pale", label), Layer("tick", "M84 154L116 154M84 164L108 164M84 174L112 174")),
            None,
            40,
        )
    tube = "M80 132L120 132L120 212L80 212Z"
    stick = "M86 76L114 60L114 112L86 112Z"
    return Drawing(
        stick,
        (),
        (
            Layer("plain", "M84 106L116 106L116 134L84 134Z", fill="#c9a24a"),
            Layer("plain", tube, fill="#2f2d31"),
            Layer("light", "M88 134L94 134L94 212L88 212Z"),
            Layer("light", "M86 76L114 60L114 66L86 82Z"),
        ),
        None,
        34,
    )


def water_bottle(_cut: Cut) -> Drawing:
    """Water bottle."""
    body = mirrored("M100 86L112 86C124 92 130 100 130 114L130 202Q130 214 118 214L100 214")
    return Drawing(
        body,
        (Layer("plain", "M84 50L116 50L116 84L84 84Z", fill="#4b4d52"),),
        (Layer("seam", "M72 128Q100 134 128 128M72 192Q100 198 128 192"),),
        (100.0, 160.0, 0.7),
        38,
    )


def cushion(_cut: Cut) -> Drawing:
    """Cushion."""
    body = "M38 92Q100 104 162 92Q150 146 162 200Q100 188 38 200Q50 146 38 92Z"
    return Drawing(
        body,
        (),
        (
            Layer(
                "fold",
                "M44 98C60 108 66 118 68 130M156 98C140 108 134 118 132 130M46 194C60 184 66 176 68 166M154 194C140 184 134 176 132 166",
            ),
        ),
        (100.0, 146.0, 1.0),
        66,
    )


def blanket(cut: Cut) -> Drawing:
    """Blanket or towel, folded."""
    body = mirrored("M100 96L152 96Q162 96 162 106L162 202Q162 210 154 210L100 210")
    fringe = "".join(f"M{42 + i * 6} 210L{41 + i * 6} 220" for i in range(20))
    return Drawing(
        body,
        (Layer("seam", fringe),),
        (
            Layer("seam", "M38 134Q100 140 162 134M38 172Q100 178 162 172"),
            Layer("fold", f"M44 {cut.pick(122, 124)}L156 122M44 160L156 160M44 198L156 198"),
        ),
        None,
        66,
    )


def bib(_cut: Cut) -> Drawing:
    """Baby bib."""
    body = mirrored("M100 112C116 110 124 96 122 70L140 64C152 100 158 170 146 192Q126 212 100 212")
    return Drawing(
        body,
        (Layer("part", "M78 72C78 40 122 40 122 72L140 66C136 20 64 20 60 66Z"),),
        (
            Layer(
                "stitch",
                mirrored("M100 120C124 118 134 100 132 74C142 110 148 164 138 184Q122 202 100 203"),
            ),
        ),
        (100.0, 162.0, 0.8),
        44,
    )


def dog_wear(_cut: Cut) -> Drawing:
    """Dog wear: a coat."""
    body = "M40 96C70 84 130 84 158 92C170 110 170 150 160 180C130 190 76 190 46 176C36 150 34 118 40 96Z"
    return Drawing(
        body,
        (Layer("cord", "M60 92C58 66 92 62 96 88"),),
        (
            Layer("seam", "M46 106C80 96 130 96 156 102M90 186L90 206M118 188L118 206"),
            Layer("pale", "M92 130C88 120 100 116 100 126C100 116 112 120 108 130L100 142Z"),
        ),
    )


def keychain(_cut: Cut) -> Drawing:
    """Keychain, zipper head."""
    fob = mirrored("M100 130C130 130 138 154 132 182C124 206 112 212 100 212")
    return Drawing(
        fob,
        (Layer("wire", circle(100, 76, 30)), Layer("metal", "M100 106L100 132")),
        (
            Layer("stitch", mirrored("M100 140C122 140 130 158 124 180C118 198 110 203 100 203")),
            Layer("metal", circle(100, 138, 3)),
        ),
        (100.0, 174.0, 0.5),
        0,
    )


def gift_box(_cut: Cut) -> Drawing:
    """Gift box."""
    box = "M46 122L154 122L154 212L46 212ZM38 100L162 100L162 124L38 124Z"
    ribbon = "M90 100L110 100L110 212L90 212Z"
    bow = both("M100 100C104 74 134 66 138 82C140 96 118 100 100 100Z")
    return Drawing(
        box,
        (),
        (Layer("plain", ribbon + bow, fill="#b8433f"), Layer("seam", "M38 124L162 124")),
        None,
        62,
    )


def side_table(_cut: Cut) -> Drawing:
    """Side table."""
    return Drawing(
        "M36 96C36 84 164 84 164 96C164 108 36 108 36 96Z",
        (Layer("cord", both("M136 102L150 214") + "M100 104L100 206"),),
        (Layer("seam", "M36 97C40 108 160 108 164 97"),),
        None,
        62,
    )


def pen(_cut: Cut) -> Drawing:
    """Marker pen."""
    return Drawing(
        "M64 196L58 206L68 202L148 86L132 74L58 186Z",
        (Layer("shade", "M132 74L148 86L152 72L142 64Z"),),
        (Layer("pale", "M110 106L126 118L106 146L90 134Z"), Layer("eye", dots((59, 204)))),
    )


def sewing_kit(_cut: Cut) -> Drawing:
    """Sewing kit: a reel of thread and a needle."""
    reel = "M72 110L128 110L124 178L76 178Z"
    turns = "".join(f"M73 {118 + i * 8}L127 {122 + i * 8}" for i in range(7))
    return Drawing(
        reel,
        (
            Layer(
                "plain",
                "M62 92L138 92L132 112L68 112ZM68 176L132 176L138 198L62 198Z",
                fill="#c19a6b",
            ),
        ),
        (
            Layer("seam", turns),
            Layer("metal", "M150 84L166 204"),
            Layer("seam", "M124 176C150 190 140 110 152 92"),
        ),
    )


def small_things(_cut: Cut) -> Drawing:
    """Nipple covers, bra extenders: small things in a pair."""
    return Drawing(
        "".join(circle(x, 138, 34) for x in (62, 138)),
        (),
        (
            Layer("fold", circle(62, 138, 24) + circle(138, 138, 24)),
            Layer("gleam", "M46 122L54 114M122 122L130 114"),
        ),
        None,
        60,
    )


def hang_tag(_cut: Cut) -> Drawing:
    """The tag of an article whose type has no drawing; its name is written on it."""
    tag = "M66 78L100 48L134 78L134 206Q134 212 128 212L72 212Q66 212 66 206Z"
    return Drawing(
        "",
        (Layer("cord", "M100 72C92 40 120 34 124 20"), Layer("tag", tag)),
        (Layer("hole", circle(100, 74, 6)), Layer("seam", "M78 186L122 186M78 194L108 194")),
        None,
        0,
    )
