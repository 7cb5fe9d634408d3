"""The lines of the assortment: which department sells which types in which section and index.

The keys are index code and section. A line's share is its share of the index's articles; the weight
of a type follows its name.
"""

from typing import Final, NamedTuple


class Line(NamedTuple):
    """A department's line of clothes: its garment group, share of the index and types."""

    department: str
    garment_group: str
    share: float
    types: str


LINES: Final = {
    ("A", "Womens Everyday Collection"): (
        Line("Blouse", "Blouses", 11, "Blouse 7, Shirt 3"),
        Line("Dress", "Dresses Ladies", 9, "Dress 9, Jumpsuit/Playsuit 1"),
        Line("Trouser", "Trousers", 7, "Trousers 1"),
        Line("Jersey Fancy", "Jersey Fancy", 9, "Top 5, T-shirt 3, Dress 2, Cardigan 1"),
        Line("Knitwear", "Knitwear", 8, "Sweater 7, Cardigan 3"),
        Line("Skirt", "Skirts", 3, "Skirt 1"),
    ),
    ("A", "Womens Everyday Basics"): (
        Line("Jersey Basic", "Jersey Basic", 5, "Top 4, T-shirt 4, Vest top 4, Bodysuit 1"),
        Line("Basic 1", "Jersey Fancy", 3, "Top 3, Leggings/Tights 2, Dress 2"),
    ),
    ("A", "Womens Casual"): (
        Line("Tops Woven", "Blouses", 3, "Blouse 5, Shirt 5"),
        Line("Shorts", "Shorts", 2, "Shorts 1"),
        Line("Casual Knit", "Knitwear", 3, "Sweater 4, Cardigan 1"),
        Line("Campaigns", "Special Offers", 2, "Trousers 2, Sweater 2, Top 2, Jacket 1"),
    ),
    ("A", "Womens Tailoring"): (
        Line("Trousers Tailoring", "Trousers", 5, "Trousers 1"),
        Line("Blazer", "Dressed", 3, "Blazer 5, Trousers 2, Coat 1"),
    ),
    ("A", "Womens Trend"): (
        Line("Trend Woven", "Blouses", 3, "Blouse 5, Shirt 3, Skirt 2"),
        Line("Trend Dresses", "Dresses Ladies", 3, "Dress 4, Jumpsuit/Playsuit 1"),
        Line("Trend Mix", "Unknown", 4, "Trousers 3, Top 3, Skirt 2, Dress 2, Unknown 0.4"),
    ),
    ("A", "Womens Jackets"): (Line("Outdoor/Blazers", "Outdoor", 3, "Jacket 6, Coat 3, Blazer 1"),),
    ("A", "Womens Premium"): (
        Line("Premium Quality", "Knitwear", 2, "Sweater 3, Cardigan 1"),
        Line("Premium Woven", "Unknown", 2, "Dress 3, Blouse 3, Trousers 2"),
    ),
    ("A", "H&M+"): (
        Line("Plus Jersey", "Jersey Fancy", 6, "Top 4, Dress 3, T-shirt 2, Leggings/Tights 1"),
        Line("Plus Woven", "Blouses", 2, "Blouse 4, Dress 2, Shirt 2"),
    ),
    ("A", "Mama"): (
        Line("Mama Jersey", "Jersey Fancy", 6, "Top 4, Dress 3, Leggings/Tights 2, Sweater 1"),
        Line("Mama Trousers", "Trousers", 2, "Trousers 4, Shorts 1"),
    ),
    ("A", "Ladies Denim"): (
        Line("Denim Trousers", "Trousers Denim", 1.2, "Trousers 7, Shorts 2, Jacket 1"),
    ),
    ("B", "Womens Lingerie"): (
        Line(
            "Expressive Lingerie",
            "Under-, Nightwear",
            25,
            "Bra 6, Underwear bottom 5, Underwear body 1",
        ),
        Line("Casual Lingerie", "Under-, Nightwear", 23, "Bra 4, Underwear bottom 6"),
    ),
    ("B", "Womens Swimwear, beachwear"): (
        Line("Swimwear", "Swimwear", 27, "Swimwear bottom 5, Bikini top 4, Swimsuit 3"),
    ),
    ("B", "Womens Nightwear, Socks & Tigh"): (
        Line("Nightwear", "Under-, Nightwear", 14, "Pyjama set 4, Night gown 2, Pyjama bottom 2"),
        Line("Tights basic", "Socks and Tights", 5, "Underwear Tights 4, Leggings/Tights 1"),
        Line("Socks", "Socks and Tights", 5, "Socks 1"),
    ),
    ("C", "Womens Shoes"): (
        Line("Shoes", "Shoes", 20, "Boots 4, Sneakers 3, Pumps 2, Ballerinas 2"),
        Line("Sandals", "Shoes", 9, "Sandals 4, Slippers 1"),
    ),
    ("C", "Womens Big accessories"): (
        Line("Bags", "Accessories", 13, "Bag 9, Weekend/Gym bag 0.1"),
        Line("Scarves", "Accessories", 12, "Scarf 5, Hat/beanie 3, Gloves 2, Belt 2"),
    ),
    ("C", "Womens Small accessories"): (
        Line("Jewellery", "Accessories", 26, "Earring 6, Necklace 3, Other accessories 1"),
        Line("Hair Accessories", "Accessories", 12, "Hair/alice band 5, Fine cosmetics 0.3"),
        Line("Sunglasses", "Accessories", 8, "Sunglasses 1"),
    ),
    ("D", "Divided Collection"): (
        Line("Tops Fancy Jersey", "Jersey Fancy", 14, "Top 6, T-shirt 3, Bodysuit 2, Vest top 2"),
        Line("Dresses DD", "Dresses Ladies", 14, "Dress 6, Jumpsuit/Playsuit 2"),
        Line("Tops Knitwear", "Knitwear", 8, "Sweater 6, Cardigan 2"),
        Line("Bottoms", "Trousers", 8, "Trousers 1"),
        Line("Blouse & Dress", "Blouses", 8, "Blouse 5, Shirt 3"),
        Line("Skirts DD", "Skirts", 4, "Skirt 1"),
        Line("Outdoor DD", "Outdoor", 5, "Jacket 6, Coat 1"),
        Line("Shorts DD", "Shorts", 2, "Shorts 1"),
    ),
    ("D", "Divided Basics"): (
        Line("Basics", "Jersey Basic", 9, "Vest top 4, T-shirt 4, Top 3, Leggings/Tights 1"),
    ),
    ("D", "Divided Projects"): (
        Line("Projects", "Unknown", 5, "Hoodie 4, T-shirt 3, Trousers 2, Unknown 0.3"),
        Line("Sweats", "Jersey Fancy", 5, "Hoodie 5, Sweater 3, Trousers 2"),
    ),
    ("D", "Divided Accessories"): (
        Line(
            "Divided Acc", "Accessories", 9, "Earring 3, Belt 2, Bag 2, Sunglasses 2, Hat/beanie 2"
        ),
        Line("Divided Shoes", "Shoes", 2, "Sneakers 2, Boots 2, Sandals 2"),
    ),
    ("D", "Divided Selected"): (
        Line(
            "Divided Lingerie",
            "Under-, Nightwear",
            2,
            "Bra 3, Underwear bottom 3, Underwear body 1",
        ),
    ),
    ("D", "Ladies Denim"): (
        Line("Trousers Denim", "Trousers Denim", 6, "Trousers 6, Shorts 2, Skirt 1, Jacket 1"),
    ),
    ("F", "Contemporary Casual"): (
        Line("Jersey Men", "Jersey Basic", 10, "T-shirt 5, Hoodie 2, Polo shirt 1"),
        Line("Knitwear Men", "Knitwear", 10, "Sweater 6, Cardigan 1"),
        Line("Shorts Men", "Shorts", 4, "Shorts 1"),
    ),
    ("F", "Contemporary Street"): (
        Line("Street Jersey", "Jersey Fancy", 17, "T-shirt 5, Hoodie 4, Sweater 2"),
    ),
    ("F", "Contemporary Smart"): (
        Line("Shirts Men", "Shirts", 11, "Shirt 1"),
        Line("Trousers Men", "Trousers", 9, "Trousers 1"),
    ),
    ("F", "Men Suits & Tailoring"): (Line("Suits", "Dressed", 4, "Blazer 5, Trousers 4"),),
    ("F", "Denim Men"): (Line("Denim Men", "Trousers Denim", 4, "Trousers 6, Jacket 1, Shorts 2"),),
    ("F", "Mens Outerwear"): (Line("Outwear Men", "Outdoor", 6, "Jacket 6, Coat 2"),),
    ("F", "Men Underwear"): (
        Line("Underwear Men", "Under-, Nightwear", 5, "Underwear bottom 6, Pyjama set 1"),
        Line("Socks Men", "Socks and Tights", 3, "Socks 1"),
        Line("Swim Men", "Swimwear", 2, "Swimwear bottom 1"),
    ),
    ("F", "Men Accessories"): (
        Line(
            "Accessories Men",
            "Accessories",
            11,
            "Cap/peaked 3, Hat/beanie 3, Belt 2, Bag 2, Scarf 2",
        ),
    ),
    ("F", "Men Shoes"): (Line("Shoes Men", "Shoes", 5, "Sneakers 4, Boots 2"),),
    ("G", "Baby Girl"): (
        Line(
            "Baby Girl Jersey",
            "Jersey Fancy",
            20,
            "Top 3, Dress 3, Leggings/Tights 2, Garment Set 2",
        ),
    ),
    ("G", "Baby Boy"): (
        Line(
            "Baby Boy Jersey", "Jersey Fancy", 18, "T-shirt 3, Trousers 3, Sweater 2, Garment Set 2"
        ),
    ),
    ("G", "Baby Essentials & Complements"): (
        Line(
            "Newborn", "Woven/Jersey/Knitted mix Baby", 22, "Bodysuit 4, Garment Set 4, Dungarees 1"
        ),
        Line("Baby basics", "Jersey Basic", 13, "Bodysuit 3, Trousers 2, Leggings/Tights 2"),
        Line("Baby Accessories", "Accessories", 12, "Hat/beanie 5, Soft Toys 0.6, Scarf 1"),
        Line(
            "Baby Nightwear", "Under-, Nightwear", 6, "Pyjama set 5, Sleeping sack 1, Blanket 0.1"
        ),
        Line("Baby Socks", "Socks and Tights", 5, "Socks 1"),
    ),
    ("G", "Kids & Baby Shoes"): (
        Line("Baby Shoes", "Shoes", 5, "Sneakers 2, Slippers 2, Sandals 1"),
    ),
    ("H", "Kids Girl"): (
        Line(
            "Kids Girl Jersey", "Jersey Fancy", 18, "Top 4, T-shirt 3, Dress 3, Leggings/Tights 2"
        ),
        Line("Kids Girl Dresses", "Dresses/Skirts girls", 8, "Dress 3, Skirt 2"),
        Line("Kids Girl Knitwear", "Knitwear", 8, "Sweater 3, Cardigan 2"),
    ),
    ("H", "Kids Boy"): (
        Line("Kids Boy Jersey", "Jersey Fancy", 14, "T-shirt 5, Hoodie 3, Sweater 2"),
        Line("Kids Boy Trousers", "Trousers", 8, "Trousers 4, Shorts 1"),
        Line("Kids Boy Denim", "Trousers Denim", 7, "Trousers 5, Shorts 1"),
        Line("Kids Boy Shirt", "Shirts", 4, "Shirt 1"),
    ),
    ("H", "Girls Underwear & Basics"): (
        Line("Girls Basics", "Jersey Basic", 16, "Vest top 2, Top 3, Leggings/Tights 3"),
    ),
    ("H", "Boys Underwear & Basics"): (
        Line("Boys Nightwear", "Under-, Nightwear", 9, "Pyjama set 4, Underwear bottom 3"),
    ),
    ("H", "Kids Outerwear"): (
        Line("Kids Outdoor", "Outdoor", 8, "Jacket 5, Outdoor overall 1, Coat 1"),
    ),
    ("I", "Young Girl"): (
        Line("Young Girl Jersey", "Jersey Fancy", 32, "Top 4, T-shirt 3, Hoodie 2, Dress 2"),
        Line("Young Girl Trousers", "Trousers", 8, "Trousers 4, Shorts 1"),
        Line("Young Girl Dresses", "Dresses/Skirts girls", 8, "Dress 3, Skirt 2"),
        Line("Young Girl Denim", "Trousers Denim", 9, "Trousers 4, Shorts 2"),
    ),
    ("I", "Young Boy"): (
        Line("Young Boy Jersey", "Jersey Basic", 14, "T-shirt 4, Hoodie 3"),
        Line("Young Boy Knit", "Knitwear", 8, "Sweater 1"),
    ),
    ("I", "Kids Outerwear"): (Line("Young Outdoor", "Outdoor", 7, "Jacket 1"),),
    ("I", "Girls Underwear & Basics"): (
        Line("Young Underwear", "Under-, Nightwear", 10, "Bra 2, Underwear bottom 4, Pyjama set 2"),
    ),
    ("J", "Kids Accessories, Swimwear & D"): (
        Line(
            "Kids Accessories",
            "Accessories",
            48,
            "Hair/alice band 3, Cap/peaked 3, Hat/beanie 3, Bag 2",
        ),
        Line("Kids Swimwear", "Swimwear", 14, "Swimsuit 2, Swimwear set 2, Swimwear bottom 2"),
    ),
    ("J", "Kids & Baby Shoes"): (
        Line("Kids Shoes", "Shoes", 38, "Sneakers 4, Boots 2, Sandals 2"),
    ),
    ("S", "Ladies H&M Sport"): (
        Line("Ladies Sport Bottoms", "Jersey Fancy", 30, "Leggings/Tights 5, Trousers 2, Shorts 2"),
        Line("Ladies Sport Bras", "Unknown", 20, "Bra 5, Top 3, Vest top 2"),
        Line("Ladies Sport Acc", "Accessories", 6, "Hair/alice band 2, Socks 3, Weekend/Gym bag 1"),
    ),
    ("S", "Men H&M Sport"): (
        Line("Men Sport Tops", "Jersey Fancy", 20, "T-shirt 4, Hoodie 2, Shorts 2"),
        Line("Men Sport Outdoor", "Outdoor", 7, "Jacket 1"),
    ),
    ("S", "Kids Sports"): (
        Line("Kids Sports Acc", "Jersey Fancy", 16, "T-shirt 3, Leggings/Tights 2, Trousers 2"),
    ),
}
