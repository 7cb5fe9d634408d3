"""The category names and codes of the Kaggle tables, with shares and typical prices.

Names, codes and their hierarchy are those of the genuine data; the shares are rounded measurements
on it. There are fewer departments (one to three per section instead of 299 numbers), and every name
has exactly one number, where a few names of the genuine table have two.
"""

from typing import Final, NamedTuple


class Index(NamedTuple):
    """One of the ten indices: its name, its group and its share of the articles."""

    name: str
    group_no: int
    group_name: str
    share: float


class ArticleType(NamedTuple):
    """A product type: code, product group, family of descriptions and typical ticket price."""

    number: int
    product_group: str
    family: str
    ticket: float


INDICES: Final = {
    "A": Index("Ladieswear", 1, "Ladieswear", 0.247),
    "B": Index("Lingeries/Tights", 1, "Ladieswear", 0.064),
    "C": Index("Ladies Accessories", 1, "Ladieswear", 0.066),
    "D": Index("Divided", 2, "Divided", 0.144),
    "F": Index("Menswear", 3, "Menswear", 0.119),
    "G": Index("Baby Sizes 50-98", 4, "Baby/Children", 0.084),
    "H": Index("Children Sizes 92-140", 4, "Baby/Children", 0.114),
    "I": Index("Children Sizes 134-170", 4, "Baby/Children", 0.087),
    "J": Index("Children Accessories, Swimwear", 4, "Baby/Children", 0.043),
    "S": Index("Sport", 26, "Sport", 0.032),
}

GARMENT_GROUPS: Final = {
    "Unknown": 1001,
    "Jersey Basic": 1002,
    "Knitwear": 1003,
    "Jersey Fancy": 1005,
    "Woven/Jersey/Knitted mix Baby": 1006,
    "Outdoor": 1007,
    "Dressed": 1008,
    "Trousers": 1009,
    "Blouses": 1010,
    "Shirts": 1011,
    "Skirts": 1012,
    "Dresses Ladies": 1013,
    "Dresses/Skirts girls": 1014,
    "Trousers Denim": 1016,
    "Under-, Nightwear": 1017,
    "Swimwear": 1018,
    "Accessories": 1019,
    "Shoes": 1020,
    "Socks and Tights": 1021,
    "Special Offers": 1023,
    "Shorts": 1025,
}

GARMENT_SALES: Final = {
    "Unknown": 0.35,
    "Jersey Basic": 1.58,
    "Knitwear": 0.83,
    "Jersey Fancy": 0.97,
    "Woven/Jersey/Knitted mix Baby": 2.72,
    "Outdoor": 0.54,
    "Dressed": 1.0,
    "Trousers": 1.31,
    "Blouses": 0.95,
    "Shirts": 1.34,
    "Skirts": 0.8,
    "Dresses Ladies": 1.0,
    "Dresses/Skirts girls": 0.66,
    "Trousers Denim": 1.47,
    "Under-, Nightwear": 0.72,
    "Swimwear": 1.82,
    "Accessories": 0.69,
    "Shoes": 0.88,
    "Socks and Tights": 1.2,
    "Special Offers": 1.1,
    "Shorts": 1.19,
}
"""Sales of an article of the group relative to other groups in the same index."""

_UPPER, _LOWER, _FULL = "Garment Upper body", "Garment Lower body", "Garment Full body"

TYPES: Final = {
    "Vest top": ArticleType(253, _UPPER, "jersey", 7.99),
    "Top": ArticleType(254, _UPPER, "jersey", 9.99),
    "T-shirt": ArticleType(255, _UPPER, "jersey", 7.99),
    "Bodysuit": ArticleType(256, _UPPER, "jersey", 9.99),
    "Polo shirt": ArticleType(257, _UPPER, "jersey", 9.99),
    "Sweater": ArticleType(252, _UPPER, "knit", 14.99),
    "Cardigan": ArticleType(245, _UPPER, "knit", 14.99),
    "Hoodie": ArticleType(308, _UPPER, "sweat", 19.99),
    "Blouse": ArticleType(258, _UPPER, "woven", 14.99),
    "Shirt": ArticleType(259, _UPPER, "woven", 14.99),
    "Blazer": ArticleType(264, _UPPER, "outer", 29.99),
    "Jacket": ArticleType(262, _UPPER, "outer", 34.99),
    "Coat": ArticleType(263, _UPPER, "outer", 49.99),
    "Trousers": ArticleType(272, _LOWER, "trousers", 19.99),
    "Shorts": ArticleType(274, _LOWER, "trousers", 12.99),
    "Skirt": ArticleType(275, _LOWER, "skirt", 17.99),
    "Leggings/Tights": ArticleType(273, _LOWER, "leggings", 14.99),
    "Dress": ArticleType(265, _FULL, "dress", 19.99),
    "Jumpsuit/Playsuit": ArticleType(267, _FULL, "dress", 17.99),
    "Garment Set": ArticleType(270, _FULL, "set", 12.99),
    "Dungarees": ArticleType(268, _FULL, "trousers", 19.99),
    "Outdoor overall": ArticleType(271, _FULL, "outer", 34.99),
    "Bra": ArticleType(306, "Underwear", "underwear", 14.99),
    "Underwear bottom": ArticleType(286, "Underwear", "underwear", 9.99),
    "Underwear body": ArticleType(283, "Underwear", "underwear", 19.99),
    "Pyjama set": ArticleType(297, "Nightwear", "nightwear", 17.99),
    "Pyjama bottom": ArticleType(296, "Nightwear", "nightwear", 9.99),
    "Night gown": ArticleType(293, "Nightwear", "nightwear", 14.99),
    "Swimwear bottom": ArticleType(59, "Swimwear", "swim", 9.99),
    "Bikini top": ArticleType(298, "Swimwear", "swim", 14.99),
    "Swimsuit": ArticleType(57, "Swimwear", "swim", 19.99),
    "Swimwear set": ArticleType(299, "Swimwear", "swim", 14.99),
    "Socks": ArticleType(302, "Socks & Tights", "socks", 7.99),
    "Underwear Tights": ArticleType(304, "Socks & Tights", "socks", 6.99),
    "Sneakers": ArticleType(94, "Shoes", "shoes", 19.99),
    "Boots": ArticleType(87, "Shoes", "shoes", 29.99),
    "Sandals": ArticleType(91, "Shoes", "shoes", 14.99),
    "Ballerinas": ArticleType(86, "Shoes", "shoes", 9.99),
    "Pumps": ArticleType(90, "Shoes", "shoes", 24.99),
    "Slippers": ArticleType(93, "Shoes", "shoes", 8.99),
    "Hat/beanie": ArticleType(75, "Accessories", "headwear", 7.99),
    "Cap/peaked": ArticleType(69, "Accessories", "headwear", 7.99),
    "Bag": ArticleType(66, "Accessories", "bag", 14.99),
    "Belt": ArticleType(67, "Accessories", "belt", 7.99),
    "Scarf": ArticleType(80, "Accessories", "scarf", 9.99),
    "Gloves": ArticleType(71, "Accessories", "scarf", 6.99),
    "Earring": ArticleType(70, "Accessories", "jewellery", 5.99),
    "Necklace": ArticleType(77, "Accessories", "jewellery", 6.99),
    "Hair/alice band": ArticleType(74, "Accessories", "hair", 4.99),
    "Sunglasses": ArticleType(81, "Accessories", "eyewear", 7.99),
    "Other accessories": ArticleType(78, "Accessories", "hair", 6.99),
    "Soft Toys": ArticleType(155, "Accessories", "toy", 9.99),
    "Weekend/Gym bag": ArticleType(477, "Bags", "bag", 19.99),
    "Fine cosmetics": ArticleType(98, "Cosmetic", "cosmetic", 5.99),
    "Side table": ArticleType(326, "Furniture", "object", 59.99),
    "Sleeping sack": ArticleType(49, "Underwear/nightwear", "nightwear", 19.99),
    "Keychain": ArticleType(525, "Items", "object", 4.99),
    "Toy": ArticleType(389, "Fun", "toy", 7.99),
    "Blanket": ArticleType(349, "Interior textile", "object", 17.99),
    "Washing bag": ArticleType(492, "Garment and Shoe care", "object", 4.99),
    "Marker pen": ArticleType(761, "Stationery", "object", 2.99),
    "Unknown": ArticleType(-1, "Unknown", "plain", 14.99),
}

SECTIONS: Final = {
    "H&M+": 2,
    "Ladies H&M Sport": 5,
    "Womens Casual": 6,
    "Mama": 8,
    "Womens Tailoring": 11,
    "Womens Premium": 14,
    "Womens Everyday Collection": 15,
    "Womens Everyday Basics": 16,
    "Womens Trend": 18,
    "Womens Jackets": 19,
    "Contemporary Smart": 20,
    "Contemporary Casual": 21,
    "Men H&M Sport": 22,
    "Men Suits & Tailoring": 23,
    "Men Accessories": 25,
    "Men Underwear": 26,
    "Men Shoes": 27,
    "Mens Outerwear": 31,
    "Baby Girl": 40,
    "Baby Boy": 41,
    "Kids & Baby Shoes": 42,
    "Kids Accessories, Swimwear & D": 43,
    "Baby Essentials & Complements": 44,
    "Kids Outerwear": 45,
    "Kids Boy": 46,
    "Young Boy": 47,
    "Kids Sports": 49,
    "Divided Projects": 50,
    "Divided Basics": 51,
    "Divided Accessories": 52,
    "Divided Collection": 53,
    "Contemporary Street": 55,
    "Denim Men": 56,
    "Ladies Denim": 57,
    "Divided Selected": 58,
    "Womens Swimwear, beachwear": 60,
    "Womens Lingerie": 61,
    "Womens Nightwear, Socks & Tigh": 62,
    "Womens Shoes": 64,
    "Womens Big accessories": 65,
    "Womens Small accessories": 66,
    "Boys Underwear & Basics": 72,
    "Kids Girl": 76,
    "Young Girl": 77,
    "Girls Underwear & Basics": 79,
}

GRAPHICS: Final = {
    "Solid": (1010016, 0.48, ""),
    "All over pattern": (1010001, 0.165, "an all-over print"),
    "Melange": (1010010, 0.057, "a mottled look"),
    "Stripe": (1010017, 0.048, "stripes"),
    "Denim": (1010023, 0.02, "a washed denim look"),
    "Front print": (1010008, 0.031, "a print at the front"),
    "Placement print": (1010014, 0.03, "a placed print"),
    "Check": (1010004, 0.021, "a checked pattern"),
    "Colour blocking": (1010005, 0.018, "blocks of colour"),
    "Lace": (1010021, 0.014, "lace"),
    "Other structure": (1010026, 0.014, "a textured surface"),
    "Application/3D": (1010002, 0.013, "an appliqué"),
    "Embroidery": (1010007, 0.011, "embroidery"),
    "Mixed solid/pattern": (1010012, 0.011, "plain and patterned parts"),
    "Glittering/Metallic": (1010009, 0.009, "glittering threads"),
    "Jacquard": (1010022, 0.008, "a jacquard weave"),
    "Sequin": (1010015, 0.008, "sequins"),
    "Dot": (1010006, 0.0065, "dots"),
    "Treatment": (1010018, 0.0056, "a treated finish"),
    "Other pattern": (1010013, 0.005, "a pattern"),
    "Contrast": (1010020, 0.0036, "contrasting edges"),
    "Metallic": (1010011, 0.0033, "a metallic sheen"),
    "Chambray": (1010024, 0.0031, "a chambray weave"),
    "Slub": (1010025, 0.0014, "a slub surface"),
    "Transparent": (1010019, 0.0008, "a sheer look"),
    "Mesh": (1010028, 0.0008, "mesh"),
    "Neps": (1010027, 0.0006, "flecks of colour"),
    "Unknown": (-1, 0.0005, ""),
    "Argyle": (1010003, 0.0002, "an argyle pattern"),
    "Hologram": (1010029, 0.0001, "a holographic sheen"),
}
"""Name to (graphical_appearance_no, share of articles, how a description mentions it)."""
