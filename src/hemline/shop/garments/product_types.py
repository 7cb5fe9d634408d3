"""The 131 product types of the H&M data set (Kaggle, 2022), each with its drawing.

A type that is not here, and what has no shape ("Other accessories", "Unknown"), gets a hang-tag.
"""

# ruff: noqa: E501  (path data is not broken)

from collections.abc import Callable
from typing import Final

from hemline.shop.garments import accessories as worn
from hemline.shop.garments import (
    bags,
    bottoms,
    footwear,
    headwear,
    jewellery,
    objects,
    one_piece,
    outerwear,
    tops,
    underwear,
)
from hemline.shop.garments.drawing import Cut, Drawing

Draw = Callable[[Cut], Drawing]

_BY_DRAWING: Final[dict[Draw, tuple[str, ...]]] = {
    tops.tee: ("T-shirt",),
    tops.top: ("Top",),
    tops.vest_top: ("Vest top",),
    tops.polo: ("Polo shirt",),
    tops.shirt: ("Shirt",),
    tops.blouse: ("Blouse",),
    tops.sweater: ("Sweater",),
    tops.hoodie: ("Hoodie",),
    tops.cardigan: ("Cardigan",),
    tops.bodysuit: ("Bodysuit",),
    tops.waistcoat: ("Tailored Waistcoat", "Outdoor Waistcoat"),
    outerwear.blazer: ("Blazer",),
    outerwear.coat: ("Coat",),
    outerwear.jacket: ("Jacket",),
    bottoms.trousers: ("Trousers", "Outdoor trousers", "Pyjama bottom"),
    bottoms.shorts: ("Shorts",),
    bottoms.skirt: ("Skirt",),
    bottoms.leggings: ("Leggings/Tights", "Long John"),
    bottoms.tights: ("Underwear Tights",),
    one_piece.dress: ("Dress",),
    one_piece.jumpsuit: ("Jumpsuit/Playsuit",),
    one_piece.dungarees: ("Dungarees",),
    one_piece.overall: ("Outdoor overall", "Pyjama jumpsuit/playsuit"),
    one_piece.sleeping_sack: ("Sleeping sack", "Sleep Bag"),
    one_piece.pyjama_set: ("Pyjama set", "Garment Set"),
    one_piece.night_gown: ("Night gown", "Underdress"),
    one_piece.robe: ("Robe",),
    one_piece.costume: ("Costumes",),
    underwear.briefs: ("Underwear bottom", "Swimwear bottom"),
    underwear.bra: ("Bra", "Bikini top", "Swimwear top"),
    underwear.swimsuit: ("Swimsuit", "Underwear body"),
    underwear.two_piece: ("Swimwear set", "Underwear set"),
    underwear.corset: ("Underwear corset",),
    underwear.camisole: ("Kids Underwear top",),
    footwear.sneakers: ("Sneakers",),
    footwear.boots: ("Boots", "Bootie"),
    footwear.sandals: ("Sandals",),
    footwear.flip_flops: ("Flip flop",),
    footwear.ballerinas: ("Ballerinas", "Flat shoe", "Flat shoes", "Moccasins", "Other shoe"),
    footwear.pumps: ("Pumps", "Heels", "Heeled sandals", "Wedge"),
    footwear.slippers: ("Slippers", "Pre-walkers"),
    footwear.socks: ("Socks",),
    footwear.leg_warmers: ("Leg warmers",),
    footwear.gloves: ("Gloves",),
    headwear.beanie: ("Hat/beanie", "Beanie"),
    headwear.cap: ("Cap/peaked", "Cap"),
    headwear.brimmed_hat: ("Hat/brim", "Bucket hat", "Straw hat", "Felt hat"),
    worn.scarf: ("Scarf",),
    worn.belt: ("Belt",),
    worn.braces: ("Braces",),
    worn.tie: ("Tie",),
    worn.sunglasses: ("Sunglasses", "Eyeglasses"),
    jewellery.earrings: ("Earring", "Earrings"),
    jewellery.necklace: ("Necklace",),
    jewellery.bracelet: ("Bracelet",),
    jewellery.ring: ("Ring",),
    jewellery.watch: ("Watch",),
    headwear.hair_band: ("Hair/alice band", "Alice band", "Hairband", "Headband"),
    headwear.hair_ties: ("Hair ties", "Hair string"),
    headwear.hair_clip: ("Hair clip",),
    worn.sarong: ("Sarong",),
    bags.bag: (
        *("Bag", "Weekend/Gym bag", "Backpack", "Shoulder bag", "Tote bag", "Cross-body bag"),
        *("Bumbag", "Washing bag"),
    ),
    bags.wallet: ("Wallet", "Mobile case", "Wireless earphone case"),
    bags.umbrella: ("Umbrella",),
    objects.soft_toy: ("Soft Toys",),
    objects.toy: ("Toy", "Wood balls"),
    objects.cosmetics: ("Fine cosmetics", "Chem. cosmetics", "Clothing mist", "Stain remover spray"),
    objects.water_bottle: ("Waterbottle",),
    objects.cushion: ("Cushion",),
    objects.blanket: ("Blanket", "Towel"),
    objects.bib: ("Baby Bib",),
    objects.dog_wear: ("Dog Wear", "Dog wear"),
    objects.keychain: ("Keychain", "Zipper head"),
    objects.gift_box: ("Giftbox",),
    objects.side_table: ("Side table",),
    objects.pen: ("Marker pen",),
    objects.sewing_kit: ("Sewing kit",),
    objects.small_things: ("Nipple covers", "Bra extender"),
    objects.hang_tag: ("Other accessories", "Accessories set", "Unknown"),
}  # fmt: skip
DRAWINGS: Final = {name: draw for draw, names in _BY_DRAWING.items() for name in names}


def drawing_of(product_type: str) -> Draw:
    """Return what draws a product type: the hang-tag where the type is not known."""
    return DRAWINGS.get(product_type, objects.hang_tag)
