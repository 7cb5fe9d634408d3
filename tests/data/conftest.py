"""A shop small enough to know by heart, written as Kaggle spells it."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from hemline.engine.engine import Engine
from tests.data.small_shop import acquire, description, lines, write_csv

ARTICLE_IDS = ("0108775015", "0108775044", "0110065001")
CUSTOMER_IDS = tuple(digit * 64 for digit in "0a3f")
ARTICLES_HEADER = (
    "article_id,product_code,prod_name,product_type_no,product_type_name,product_group_name,"
    "graphical_appearance_no,graphical_appearance_name,colour_group_code,colour_group_name,"
    "perceived_colour_value_id,perceived_colour_value_name,perceived_colour_master_id,"
    "perceived_colour_master_name,department_no,department_name,index_code,index_name,"
    "index_group_no,index_group_name,section_no,section_name,garment_group_no,"
    "garment_group_name,detail_desc"
)
ARTICLE = (
    "{0},{1},Plain vest,253,Vest,Tops,10,Solid,9,Black,4,Dark,5,Black,"
    '16,Jersey,A,Women,1,Women,16,Basics,1002,Jersey,"A vest, cut straight"'
)
CUSTOMERS = (
    "customer_id,FN,Active,club_member_status,fashion_news_frequency,age,postal_code",
    f"{CUSTOMER_IDS[0]},,,ACTIVE,NONE,21.0,p0",
    f"{CUSTOMER_IDS[1]},1.0,1.0,ACTIVE,None,,p1",
    f"{CUSTOMER_IDS[2]},1.0,,PRE-CREATE,Regularly,50,p2",
    f"{CUSTOMER_IDS[3]},,,,,99.0,p3",
)
FIRST_DAY = date(2020, 9, 1)
N_DAYS = 22


def _sales() -> Iterator[str]:
    """Yield one sale a day; the second is of two units, and every customer and article occurs."""
    for day in range(N_DAYS):
        customer, article = CUSTOMER_IDS[-1 - day % 4], ARTICLE_IDS[-1 - day % 3]
        sale = f"{FIRST_DAY + timedelta(days=day)},{customer},{article},0.0{day + 10},{1 + day % 2}"
        yield from [sale] * (2 if day == 1 else 1)


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    """Return a folder with the three csv files of a flawless shop."""
    return write_shop(tmp_path / "kaggle")


@pytest.fixture(scope="session")
def flawless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same folder for tests that only read it."""
    return write_shop(tmp_path_factory.mktemp("flawless"))


def write_shop(folder: Path) -> Path:
    files = {
        "articles": [ARTICLES_HEADER, *(ARTICLE.format(a, a[1:7]) for a in ARTICLE_IDS)],
        "customers": CUSTOMERS,
        "transactions_train": ["t_dat,customer_id,article_id,price,sales_channel_id", *_sales()],
    }
    folder.mkdir(exist_ok=True)
    for name, written in files.items():
        (folder / f"{name}.csv").write_text("\n".join(written) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def known(on_duckdb: Engine, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the tables of the plain export."""
    folder = tmp_path_factory.mktemp("known")
    write_csv(folder / "sales.csv", lines())
    return acquire(on_duckdb, folder, description())
