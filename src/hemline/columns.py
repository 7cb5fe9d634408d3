"""The vocabulary: column names as Kaggle spells them, and the keys Hemline adds.

A table is named for its row: articles, customers, transactions (raw, one row per unit sold) and
purchases (prepared: transactions before the cut, one row per customer, article and day).
"""

from typing import Final

ARTICLE: Final = "article"  # dense int32 key, row of the article in articles.parquet
CUSTOMER: Final = "customer"  # dense int32 key, row of the customer in customers.parquet

ARTICLE_ID: Final = "article_id"  # 10 digits, leading zero included
CUSTOMER_ID: Final = "customer_id"  # 64 hexadecimal digits
PRODUCT_CODE: Final = "product_code"  # first 7 digits of article_id

DAY: Final = "t_dat"
PRICE: Final = "price"
CHANNEL: Final = "sales_channel_id"  # 1 store, 2 online; others are named by channels.parquet
BASKET: Final = "basket"  # dense key of what a guest bought together
UNITS: Final = "units"
UNDONE: Final = "undone"  # day on which an unlike was undone, null while it holds

AGE: Final = "age"
AGE_BAND: Final = "age_band"
CLUB: Final = "club_member_status"
NEWS: Final = "fashion_news_frequency"
FN: Final = "FN"
ACTIVE: Final = "Active"
POSTAL_CODE: Final = "postal_code"
CLUSTER: Final = "cluster"
