"""Write lorries.csv: lorries as a weighbridge sees them, and whether they carry more than they may.

python examples/lorries.py lorries.csv [COUNT]

A lorry's gross weight follows from its axles, load, goods, fuel and body, and from noise that no column tells: no
model is right of every lorry.
"""

import csv
import random
import sys
from pathlib import Path

HEADER = ("number", "axles", "body", "load_m3", "fuel_l", "goods", "overloaded")
DENSITY = {"gravel": 1.65, "timber": 0.6, "grain": 0.77, "scrap": 1.1, "parcels": 0.2}  # tonnes per cubic metre
EMPTY = {"tipper": 9.0, "flatbed": 7.5, "box": 8.2, "tank": 9.6}  # tonnes, with two axles
ALLOWED = {2: 18.0, 3: 26.0, 4: 32.0, 5: 40.0}


def lorry(number: int, rng: random.Random) -> tuple[object, ...]:
    axles, body, goods = rng.choice(list(ALLOWED)), rng.choice(list(EMPTY)), rng.choice(list(DENSITY))
    load, fuel = round(rng.uniform(2, 30), 1), round(rng.uniform(40, 600))
    gross = EMPTY[body] + 1.6 * (axles - 2) + load * DENSITY[goods] + fuel * 0.00084 + rng.gauss(0, 0.8)
    return number, axles, body, load, fuel, goods, "yes" if gross > ALLOWED[axles] else "no"


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "lorries.csv")
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 1200
    rng = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream)
        rows.writerow(HEADER)
        rows.writerows(lorry(number, rng) for number in range(1, count + 1))
    print(f"{path}: {count} lorries")


if __name__ == "__main__":
    main()
