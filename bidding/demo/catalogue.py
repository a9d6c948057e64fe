"""The words of the demo: what is offered, under which terms, by whom. Amounts are whole units of the currency.

Owns text and figures only. Things, makers and people are invented.
"""

from dataclasses import dataclass
from typing import Final

HOUSE: Final = "harbour-row"
EVENINGS: Final = "harbour-row-evenings"
HOUSES: Final = {HOUSE: "Harbour Row Auctions", EVENINGS: "Harbour Row Evenings"}
"""Two organizers by slug: a channel carries one live show, and the host may want to go live beside the evenings."""
HOUSE_ADDRESS: Final = "Harbour Row 14\n20457 Hamburg\nGermany"
PAYMENT: Final = "Bank transfer within seven days of the invoice. Please give the order number."

TERMS: Final = """\
1. Who sells. Harbour Row Auctions sells on behalf of the owners named to us. We describe every lot as we see it; \
photographs and the condition line are part of the description.

2. Bidding. You bid under the paddle that you get when you accept these terms. A bid is binding from the moment the \
room accepts it until somebody bids more. The highest accepted bid when the lot closes buys it. Of two equal maximum \
bids the earlier one wins.

3. The clock. The countdown in the room is the clock of the sale. A bid in the last seconds extends it, as the lot's \
rules say, so that everybody can answer. Nothing is accepted after the end.

4. What you pay. The hammer price, the buyer's premium of 18 %, value-added tax on both, and delivery. The button \
shows the sum before you bid.

5. Reserve. Where a lot has a reserve and bidding stays below it, the lot is not sold. We may offer it to the highest \
bidder afterwards.

6. Mistakes. The auctioneer may pause, void a bid, reopen or withdraw a lot for a stated reason. Each of these is \
written into the public record of the sale.

7. Payment and collection. You pay within seven days of the invoice. We send your lots insured in one parcel where \
that is possible, or you collect them at Harbour Row by appointment.

8. Not as described. If a lot differs from its description in a way that matters, tell us within fourteen days and \
we take it back and refund everything, delivery included.
"""


@dataclass(frozen=True, slots=True)
class DemoLot:
    """One thing that the demo offers."""

    picture: str
    title: str
    category: str
    estimate: tuple[int, int]
    opening: int
    condition: str
    description: str
    alt: str
    reserve: int | None = None
    bulky: bool = False


LOTS: Final = (
    DemoLot(
        picture="brass_lamp",
        title="Brass desk lamp with green glass shade",
        category="Lighting",
        estimate=(180, 240),
        opening=90,
        condition="Rewired in 2021; two flea bites to the rim of the shade.",
        description=(
            "A banker's lamp on a stepped, weighted base, about 1928. The stem turns, the cased glass shade tilts, and "
            "the pull chain still has its brass ball. Height 38 cm."
        ),
        alt="A brass lamp with a green glass shade, lit, on an oak table.",
    ),
    DemoLot(
        picture="chronograph",
        title="Steel chronograph, three counters, 1968",
        category="Watches",
        estimate=(900, 1300),
        opening=500,
        reserve=750,
        condition="Serviced last spring; dial untouched; later strap.",
        description=(
            "A hand-wound chronograph of 38 mm with a cream dial, applied markers and dark counters for seconds, "
            "thirty minutes and twelve hours. The pushers snap, the hand flies back to twelve, and it keeps time to "
            "about six seconds a day."
        ),
        alt="A steel wristwatch with a cream dial and three dark counters on a brown strap.",
    ),
    DemoLot(
        picture="travel_poster",
        title="Lighthouse at dusk, travel poster",
        category="Prints",
        estimate=(260, 340),
        opening=130,
        condition="Backed on linen; colours fresh; one repaired tear of 2 cm in the lower margin.",
        description=(
            "Lithograph in seven colours for a coastal steamer line, 1936, in a walnut frame of its time. 62 by 94 cm, "
            "framed 74 by 106 cm."
        ),
        alt="A framed poster of a red and white lighthouse over a green sea at sunset.",
    ),
    DemoLot(
        picture="lounge_chair",
        title="Lounge chair, bent walnut and leather",
        category="Furniture",
        estimate=(700, 950),
        opening=400,
        condition="Leather supple with honest wear; one arm pad re-stitched.",
        description=(
            "A swivelling armchair with shells of bent plywood and buttoned cushions on a steel star base, made in "
            "small numbers about 1961. It reclines a little, and it is hard to get out of for the right reason."
        ),
        alt="A brown leather lounge chair with wooden shells on a steel star base.",
        bulky=True,
    ),
    DemoLot(
        picture="teapot",
        title="Sea-green teapot and cup, bamboo handle",
        category="Ceramics",
        estimate=(120, 160),
        opening=60,
        condition="Perfect; the bamboo renewed.",
        description=(
            "Stoneware with a dripping sea-green glaze and a painted band of red dots, from a workshop of two sisters, "
            "about 1974. Pours without a drop. Holds one litre; with one cup."
        ),
        alt="A green glazed teapot with a bamboo handle and a small cup beside it.",
    ),
    DemoLot(
        picture="table_radio",
        title="Walnut table radio, round dial",
        category="Audio",
        estimate=(200, 280),
        opening=110,
        condition="Working; new capacitors; the cloth is original.",
        description=(
            "Five valves behind a woven front and a case veneered in one piece of walnut, 1957. Long, medium and FM. "
            "It takes half a minute to warm up and then fills a kitchen. Width 58 cm."
        ),
        alt="A walnut radio with a woven cream front and a large round dial.",
    ),
    DemoLot(
        picture="folding_camera",
        title="Rangefinder camera with 50 mm lens",
        category="Cameras",
        estimate=(420, 560),
        opening=220,
        reserve=360,
        condition="Shutter within tolerance at all speeds; light brassing.",
        description=(
            "A chrome body with a bright combined finder and a coated lens of f/2, 1954. The rangefinder is true at "
            "all distances, the vulcanite complete. With its leather case and a roll of film that nobody has dared "
            "to develop."
        ),
        alt="A chrome and black rangefinder camera with a large lens.",
    ),
    DemoLot(
        picture="sea_chart",
        title="Hand-coloured sea chart of four islands",
        category="Maps",
        estimate=(340, 460),
        opening=180,
        condition="Two folds; faint foxing; the colour original.",
        description=(
            "Engraved chart with rhumb lines, a compass rose and a course pricked in red ink by whoever sailed it, "
            "about 1790. Mounted on its first rollers. 70 by 88 cm."
        ),
        alt="An old chart with four islands, a compass rose and a red dashed course.",
    ),
    DemoLot(
        picture="studio_vase",
        title="Stoneware vase, dipped in green",
        category="Ceramics",
        estimate=(150, 200),
        opening=80,
        condition="No chips, no cracks.",
        description=(
            "Thrown in one piece and dipped by hand to the waist, so that the glaze ended where it wanted to. "
            "Impressed studio mark under the foot, about 1966. Height 41 cm. The branches are not part of the lot."
        ),
        alt="A vase of pale clay with a dark green glaze, holding three leafy branches.",
    ),
    DemoLot(
        picture="road_bicycle",
        title="Racing bicycle, lugged steel, 56 cm",
        category="Sport",
        estimate=(520, 680),
        opening=280,
        condition="Ready to ride; new tyres and cables; transfers worn.",
        description=(
            "A racing frame of double-butted tubes with cut lugs, built in 1971 for a club rider who kept every "
            "receipt. Ten speeds, leather saddle, and 10.1 kg on our scales."
        ),
        alt="A green racing bicycle with a brown leather saddle.",
        bulky=True,
    ),
    DemoLot(
        picture="record_player",
        title="Record player in walnut, with tonearm",
        category="Audio",
        estimate=(380, 500),
        opening=200,
        condition="New belt and needle; runs true to speed.",
        description=(
            "A belt drive of 1969 with a cast platter of three kilos, a curved tonearm and the lid that is usually "
            "missing. 33 and 45 turns. It comes with the record that was on it."
        ),
        alt="A record player seen from above, with a black record with a red label on it.",
    ),
    DemoLot(
        picture="typewriter",
        title="Portable typewriter, petrol blue",
        category="Desk",
        estimate=(160, 220),
        opening=80,
        condition="Cleaned and oiled; new ribbon; all keys strike.",
        description=(
            "A flat portable of 1959 in crackle enamel with its case and key. The former owner wrote three novels on "
            "it and published one. The page in it is the start of the fourth."
        ),
        alt="A petrol blue typewriter with round cream keys and a written page in it.",
    ),
)

SHOWS: Final = (
    "Things that last",
    "The desk by the window",
    "From one long attic",
    "Brass, walnut, glass",
    "Late light",
    "A collector moves house",
)
SHOW_WORDS: Final = (
    "Twelve lots from three houses, one after another, live from the room at Harbour Row. Each runs forty seconds; a "
    "bid in the last ten gives everybody ten more."
)
UPCOMING: Final = "Sunday table: ceramics and lamps"
UPCOMING_WORDS: Final = (
    "Four lots for a table that is used every day. View them at Harbour Row on Saturday, or ask us for more pictures."
)
UPCOMING_LOTS: Final = ("teapot", "studio_vase", "brass_lamp", "lounge_chair")
OVERSEAS: Final = "Kyoto evening: cameras and clay"
OVERSEAS_WORDS: Final = "Three lots sold in yen, from a workshop and a camera cabinet in Kyoto. Delivery is from there."
OVERSEAS_LOTS: Final = ("folding_camera", "teapot", "studio_vase")
PAST: Final = "Spring cabinet"
PAST_WORDS: Final = "Three small lots that opened the season."
PAST_LOTS: Final = ("typewriter", "sea_chart", "table_radio")
YEN_FOR_ONE: Final = 160
"""What the figures above are multiplied with, and then rounded to hundreds."""
