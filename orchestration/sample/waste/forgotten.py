"""Small things on the bill that nobody looks at: volumes of the former type, addresses, load balancers."""

from ..calendar import FLAT
from ..catalogue import FORGOTTEN
from ..charges import USAGE, Charge
from ..estate import Resource, identity, seeded
from ..organization import Source
from ..tagging import owner_of, tags_for

# Kind, how many there are, and the daily list cost of the first and the last of them.
_THINGS = (("gp2", 6, 1.2, 4.5), ("address", 4, 0.12, 0.12), ("load_balancer", 4, 0.54, 0.54))


def forgotten(source: Source, seed: int) -> list[Resource]:
    """The resources of a bill of AWS that are added behind those of its estate, so that these stay as they are."""
    if source.name == "azure":
        return []
    rng = seeded(seed, source.name, "forgotten")
    accounts = [account for account in source.accounts if "ebs" in account.mix]
    found = []
    for key, count, least, most in _THINGS:
        for number in range(count):
            account = accounts[int(rng.integers(len(accounts)))]
            team, sku = owner_of(rng, account), FORGOTTEN[key]
            resource_id, name, region = identity(rng, source, account, sku, str(rng.choice(team.projects)))
            charge = Charge(USAGE, account, sku, region, resource_id, name, tags_for(rng, account, team))
            daily = least + (most - least) * number / (count - 1)
            found.append(Resource(charge, daily, 0.0, 0.0, FLAT, capped=key != "gp2"))
    return found
