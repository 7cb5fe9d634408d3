"""The fifty colour groups, each with its most frequent perceived value and master.

The genuine table combines a colour with several values and masters; here a colour group determines
both. The price is that the perceived columns carry no information beyond the colour group.
"""

from typing import Final, NamedTuple


class Colour(NamedTuple):
    """A colour group: its code, perceived value, master, share of articles and relative sales."""

    code: int
    value_id: int
    master_id: int
    share: float
    sells: float


VALUES: Final = {
    -1: "Unknown",
    1: "Dusty Light",
    2: "Medium Dusty",
    3: "Light",
    4: "Dark",
    5: "Bright",
    6: "Undefined",
    7: "Medium",
}

MASTERS: Final = {
    -1: "Unknown",
    1: "Mole",
    2: "Blue",
    3: "Orange",
    4: "Pink",
    5: "Black",
    6: "Lilac Purple",
    7: "Turquoise",
    8: "Yellow",
    9: "White",
    10: "undefined",
    11: "Beige",
    12: "Grey",
    13: "Brown",
    14: "Yellowish Green",
    15: "Metal",
    16: "Bluish Green",
    18: "Red",
    19: "Green",
    20: "Khaki green",
}

COLOURS: Final = {
    "Unknown": Colour(-1, -1, -1, 0.0003, 0.8),
    "Other": Colour(1, 6, 10, 0.001, 0.7),
    "Transparent": Colour(2, 3, 9, 0.0003, 0.7),
    "Silver": Colour(3, 3, 15, 0.0067, 0.5),
    "Bronze/Copper": Colour(4, 5, 15, 0.0009, 0.5),
    "Gold": Colour(5, 5, 15, 0.013, 0.6),
    "Light Grey": Colour(6, 1, 12, 0.0199, 0.7),
    "Grey": Colour(7, 1, 12, 0.0425, 0.7),
    "Dark Grey": Colour(8, 4, 12, 0.0259, 0.7),
    "Black": Colour(9, 4, 5, 0.2148, 2.0),
    "White": Colour(10, 3, 9, 0.0904, 1.1),
    "Off White": Colour(11, 1, 9, 0.0258, 1.1),
    "Light Beige": Colour(12, 1, 11, 0.0318, 1.2),
    "Beige": Colour(13, 2, 11, 0.0257, 1.2),
    "Dark Beige": Colour(14, 4, 11, 0.0103, 1.1),
    "Greyish Beige": Colour(15, 4, 1, 0.0021, 0.9),
    "Yellowish Brown": Colour(17, 2, 13, 0.0139, 0.9),
    "Greenish Khaki": Colour(19, 4, 20, 0.0262, 1.0),
    "Other Yellow": Colour(20, 5, 8, 0.0021, 0.8),
    "Light Yellow": Colour(21, 3, 8, 0.0093, 0.8),
    "Yellow": Colour(22, 7, 8, 0.0156, 0.8),
    "Dark Yellow": Colour(23, 4, 8, 0.0054, 0.9),
    "Other Orange": Colour(30, 5, 3, 0.0015, 0.8),
    "Light Orange": Colour(31, 1, 3, 0.0144, 0.8),
    "Orange": Colour(32, 5, 3, 0.0074, 0.8),
    "Dark Orange": Colour(33, 4, 3, 0.0084, 0.8),
    "Other Red": Colour(40, 5, 18, 0.0011, 0.8),
    "Light Red": Colour(41, 7, 18, 0.0027, 0.8),
    "Red": Colour(42, 7, 18, 0.029, 0.9),
    "Dark Red": Colour(43, 4, 18, 0.0222, 0.9),
    "Other Pink": Colour(50, 5, 4, 0.0071, 0.5),
    "Light Pink": Colour(51, 1, 4, 0.0551, 0.6),
    "Pink": Colour(52, 2, 4, 0.0195, 0.6),
    "Dark Pink": Colour(53, 5, 4, 0.0078, 0.5),
    "Other Purple": Colour(60, 5, 6, 0.0004, 0.6),
    "Light Purple": Colour(61, 3, 6, 0.0052, 0.7),
    "Purple": Colour(62, 2, 6, 0.0017, 0.6),
    "Dark Purple": Colour(63, 4, 6, 0.003, 0.6),
    "Other Blue": Colour(70, 5, 2, 0.0005, 0.6),
    "Light Blue": Colour(71, 1, 2, 0.0285, 0.9),
    "Blue": Colour(72, 2, 2, 0.0313, 0.9),
    "Dark Blue": Colour(73, 4, 2, 0.1153, 0.7),
    "Other Turquoise": Colour(80, 5, 7, 0.0001, 0.5),
    "Light Turquoise": Colour(81, 3, 7, 0.0097, 0.4),
    "Turquoise": Colour(82, 1, 7, 0.0041, 0.4),
    "Dark Turquoise": Colour(83, 4, 7, 0.0045, 0.5),
    "Other Green": Colour(90, 5, 19, 0.0012, 0.8),
    "Light Green": Colour(91, 3, 19, 0.0065, 0.9),
    "Green": Colour(92, 1, 19, 0.0077, 0.9),
    "Dark Green": Colour(93, 4, 19, 0.02, 0.9),
}
